# Runs a program in a terminal of its own: python3 in-terminal.py ROWS COLUMNS KEYS WANTED PROGRAM [ARG ...]
#
# Once WANTED was printed, KEYS are typed; at the end everything that was printed goes to standard output. The status is
# that of the program, 99 when WANTED did not come within a minute.
import fcntl, os, pty, select, struct, sys, termios, time

rows, columns, keys, wanted = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4].encode()
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(sys.argv[5], sys.argv[5:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
printed, typed, end = b"", False, time.monotonic() + 60
while time.monotonic() < end:
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        printed += piece
    if not typed and wanted in printed:
        os.write(terminal, keys.encode().decode("unicode_escape").encode())
        typed = True
else:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    sys.stdout.buffer.write(printed)
    sys.exit(99)
sys.stdout.buffer.write(printed)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
