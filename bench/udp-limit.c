/* The limit that every server is compared with: the least work that answers a DNS query over UDP, in C, one thread.
 *
 * Datagrams are taken and returned in batches (recvmmsg, sendmmsg). Of a query only the end of its question is
 * looked for; one A record is appended there and the header's counts are set. There is no table, no cache, no
 * policy and no counter: whatever does more per query than this costs more CPU than this.
 *
 * Usage: udp-limit PORT. Listens on 127.0.0.1, ends with SIGTERM. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
  BATCH = 64,            /* datagrams of one system call */
  ROOM = 2048,           /* bytes per datagram: no query is longer */
  HEADER = 12,           /* RFC 1035 section 4.1.1 */
  RECORD = 16,           /* pointer, type, class, TTL, length, address */
  SOCKET_BUFFER = 4 << 20
};

struct slot {
  struct sockaddr_in peer;
  struct iovec bytes;
  uint8_t data[ROOM];
};

static struct slot slots[BATCH];
static struct mmsghdr batch[BATCH];

/* Returns the offset after the question, 0 when the datagram does not hold one. */
static size_t question_end(const uint8_t *data, size_t length) {
  size_t at = HEADER;
  while (at < length && data[at] != 0) at += data[at] + 1u;
  return at + 5 <= length ? at + 5 : 0;
}

/* Turns a query into its answer in place; returns the answer's length, 0 when there is none. */
static size_t answer(uint8_t *data, size_t length) {
  size_t end = question_end(data, length);
  if (end == 0 || end + RECORD > ROOM) return 0;
  const uint8_t record[RECORD] = {0xc0, HEADER, data[end - 4], data[end - 3], 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 192, 0, 2, 1};
  memcpy(data + end, record, RECORD);
  data[2] = 0x81; /* QR, RD */
  data[3] = 0x80; /* RA */
  data[6] = 0, data[7] = 1;
  memset(data + 8, 0, 4);
  return end + RECORD;
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: udp-limit PORT\n"), 2;
  struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_DGRAM, 0), size = SOCKET_BUFFER;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof self) != 0) return perror("udp-limit"), 1;
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      slots[i].bytes = (struct iovec){.iov_base = slots[i].data, .iov_len = ROOM};
      batch[i].msg_hdr = (struct msghdr){
          .msg_name = &slots[i].peer, .msg_namelen = sizeof slots[i].peer, .msg_iov = &slots[i].bytes, .msg_iovlen = 1};
    }
    int received = recvmmsg(fd, batch, BATCH, MSG_WAITFORONE, NULL), answered = 0;
    for (int i = 0; i < received; i++) {
      struct iovec *bytes = batch[i].msg_hdr.msg_iov;
      size_t length = answer(bytes->iov_base, batch[i].msg_len);
      if (length == 0) continue;
      bytes->iov_len = length;
      if (answered != i) batch[answered] = batch[i];
      answered++;
    }
    if (answered > 0) sendmmsg(fd, batch, (unsigned)answered, 0);
  }
}
