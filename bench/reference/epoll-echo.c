/*
 * The reference: an echo server as small as Linux allows. One thread, epoll, nodelay, one shared read buffer.
 * A client that does not read stops being read: what it did not take waits in memory of its own, at most one
 * read. Prints its port; ends at the end of stdin, or by SIGTERM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* As much as libuv reads at once, so that no server here is held back by its buffer. */
enum { READ_BYTES = 64 * 1024, EVENTS = 256, BACKLOG = 4096 };

struct connection {
  int fd;
  char *waiting; /* NULL, or what could not be written yet */
  size_t offset, length;
};

static char buffer[READ_BYTES];
static int poller;

static void watch(struct connection *connection, int operation, unsigned events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(poller, operation, connection->fd, &event) < 0) perror("epoll_ctl"), exit(1);
}

static void end(struct connection *connection) {
  close(connection->fd);
  free(connection->waiting);
  free(connection);
}

static void take(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) abort();
    connection->fd = fd;
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
  }
}

static void echo(struct connection *connection) {
  ssize_t length = read(connection->fd, buffer, READ_BYTES);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) return end(connection);
  ssize_t written = write(connection->fd, buffer, length);
  if (written == length) return;
  if (written < 0 && errno != EAGAIN) return end(connection);
  if (written < 0) written = 0;
  connection->offset = 0;
  connection->length = length - written;
  connection->waiting = malloc(connection->length);
  if (connection->waiting == NULL) abort();
  memcpy(connection->waiting, buffer + written, connection->length);
  watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
}

static void flush(struct connection *connection) {
  size_t length = connection->length - connection->offset;
  ssize_t written = write(connection->fd, connection->waiting + connection->offset, length);
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (written < 0) return end(connection);
  connection->offset += written;
  if (connection->offset < connection->length) return;
  free(connection->waiting);
  connection->waiting = NULL;
  watch(connection, EPOLL_CTL_MOD, EPOLLIN);
}

static int listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, BACKLOG) < 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) < 0)
    perror("listen"), exit(1);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

int main(void) {
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct connection listener = {.fd = listen_on_loopback()}, input = {.fd = STDIN_FILENO};
  watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
  watch(&input, EPOLL_CTL_ADD, EPOLLIN);
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(poller, events, EVENTS, -1);
    for (int index = 0; index < count; index++) {
      struct connection *connection = events[index].data.ptr;
      if (connection == &input && read(STDIN_FILENO, buffer, READ_BYTES) <= 0) return 0;
      if (connection == &input) continue;
      if (connection == &listener)
        take(listener.fd);
      else if (connection->waiting != NULL)
        flush(connection);
      else
        echo(connection);
    }
  }
}
