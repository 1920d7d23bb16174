# Sends a UDP datagram of IPv6 from each of some addresses, as they come over a cable: with an Ethernet header and all, which no
# kernel looks at before the one that receives it.
#   forged-ipv6.py INTERFACE MAC-OF-RECEIVER ADDRESS PORT PAYLOAD-IN-HEX SOURCE…
import socket
import struct
import sys

PORT = 4444
interface, mac, address, port, payload = sys.argv[1:6]


def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source):
    text = bytes.fromhex(payload)
    length = 8 + len(text)
    ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, address)
    head = struct.pack('!HHH', PORT, int(port), length)
    check = checksum(ends + struct.pack('!II', length, 17) + head + b'\0\0' + text) or 0xFFFF
    return struct.pack('!IHBB', 0x60000000, length, 17, 64) + ends + head + struct.pack('!H', check) + text


cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
cable.bind((interface, 0))
own = open(f'/sys/class/net/{interface}/address').read().strip()
ethernet = bytes.fromhex((mac + own).replace(':', '')) + b'\x86\xdd'
for source in sys.argv[6:]:
    cable.send(ethernet + packet(source))
