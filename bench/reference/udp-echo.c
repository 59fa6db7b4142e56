/*
 * The reference for UDP: one thread, one socket, one datagram at a time, back from where it came. Prints its port; ends
 * at the end of stdin, or by SIGTERM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[65536];

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) < 0)
    perror("bind"), exit(1);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  int poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event datagrams = {.events = EPOLLIN, .data.fd = fd};
  struct epoll_event input = {.events = EPOLLIN, .data.fd = STDIN_FILENO};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &datagrams) < 0 ||
      epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input) < 0)
    perror("epoll_ctl"), exit(1);
  for (;;) {
    struct epoll_event event;
    if (epoll_wait(poller, &event, 1, -1) <= 0) continue;
    if (event.data.fd == STDIN_FILENO && read(STDIN_FILENO, buffer, sizeof buffer) <= 0) return 0;
    if (event.data.fd == STDIN_FILENO) continue;
    /* As many as there are, as libuv takes them. */
    for (int taken = 0; taken < 32; taken++) {
      struct sockaddr_in from;
      socklen_t size = sizeof from;
      ssize_t count = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size);
      if (count < 0) break;
      sendto(fd, buffer, count, 0, (struct sockaddr *)&from, size);
    }
  }
}
