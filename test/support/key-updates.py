# A client of TLS 1.3 that changes its keys so often: `key-updates.py PORT COUNT`. Prints how many it could change before the end.
import ctypes
import socket
import sys

tls = ctypes.CDLL("libssl.so.3")
for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
    getattr(tls, name).restype = ctypes.c_void_p
tls.SSL_CTX_new.argtypes = [ctypes.c_void_p]
tls.SSL_new.argtypes = [ctypes.c_void_p]
tls.SSL_set_fd.argtypes = [ctypes.c_void_p, ctypes.c_int]
tls.SSL_connect.argtypes = [ctypes.c_void_p]
tls.SSL_key_update.argtypes = [ctypes.c_void_p, ctypes.c_int]
tls.SSL_do_handshake.argtypes = [ctypes.c_void_p]

port, count = int(sys.argv[1]), int(sys.argv[2])
connection = socket.create_connection(("127.0.0.1", port))
ssl = tls.SSL_new(tls.SSL_CTX_new(tls.TLS_client_method()))
tls.SSL_set_fd(ssl, connection.fileno())
if tls.SSL_connect(ssl) != 1:
    sys.exit("no handshake")
changed = 0
while changed < count:
    # The other side is not asked to change its own.
    tls.SSL_key_update(ssl, 0)
    if tls.SSL_do_handshake(ssl) != 1:
        break
    changed += 1
print(changed)
