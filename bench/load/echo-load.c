/*
 * The client side of an echo, cheap enough not to be what is measured. One thread, epoll, on loopback only.
 *
 *   echo-load echo  <port> <connections> <bytes> <seconds>                  round trips on lasting connections
 *   echo-load churn <port> <connections> <bytes> <seconds> <rate> [<file>]  connect, one round trip, close;
 *                                       rate 0 is full speed; else so many a second, whatever the server does
 *
 * echo makes its connections, and one round trip on each; both print `ready`, wait for a line on stdin, run, print
 * one line of JSON, and keep what is open until stdin ends. Into the file go `<ip>:<port> <µs since 1970>`: a line
 * for each connection, with the time before connect(2). Every byte that comes back is compared.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { EVENTS = 256, READ_BYTES = 256 * 1024, SAMPLES_MAX = 4 << 20, CONNECTING_MAX = 100 };
/* Many source addresses, so that ports in TIME_WAIT never run out: 200 × 28,000. */
enum { SOURCES = 200 };

struct connection {
  int fd; /* -1: a free place */
  bool is_shut;
  size_t sent, received;
  int64_t started_us;
};

static bool is_churn;
static int port, connections, poller;
static size_t bytes;
static double seconds, rate;
static FILE *file;
static struct connection *all;
static char *pattern, buffer[READ_BYTES];
static uint32_t *samples;
static int64_t sampled, operations, errors, missed, open_count, next_source, deadline_us;

static int64_t now_us(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void start(struct connection *connection) {
  int64_t wall_us = file == NULL ? 0 : now_us(CLOCK_REALTIME);
  uint32_t source = 0x7f000001u + (uint32_t)(next_source++ % SOURCES);
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  *connection = (struct connection){.fd = fd, .started_us = now_us(CLOCK_MONOTONIC)};
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) fail("connect");
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
  open_count++;
  if (file == NULL) return;
  socklen_t length = sizeof from;
  getsockname(fd, (struct sockaddr *)&from, &length);
  fprintf(file, "%s:%d %lld\n", inet_ntoa(from.sin_addr), ntohs(from.sin_port), (long long)wall_us);
}

static void drop(struct connection *connection, bool is_error) {
  close(connection->fd);
  connection->fd = -1;
  open_count--;
  errors += is_error;
}

static void done(struct connection *connection) {
  int64_t now = now_us(CLOCK_MONOTONIC);
  if (sampled < SAMPLES_MAX) samples[sampled++] = (uint32_t)(now - connection->started_us);
  operations++;
  connection->started_us = now;
}

static void send_rest(struct connection *connection) {
  while (connection->sent < bytes) {
    ssize_t count = send(connection->fd, pattern + connection->sent, bytes - connection->sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) return drop(connection, true);
    connection->sent += count;
  }
}

/* True when all is back. */
static bool receive_rest(struct connection *connection) {
  while (connection->received < bytes) {
    size_t wanted = bytes - connection->received;
    if (wanted > READ_BYTES) wanted = READ_BYTES;
    ssize_t count = recv(connection->fd, buffer, wanted, 0);
    if (count < 0 && errno == EAGAIN) return false;
    if (count <= 0 || memcmp(buffer, pattern + connection->received, count) != 0)
      return drop(connection, true), false;
    connection->received += count;
  }
  return true;
}

/* Does what can be done now. Edge-triggered, so what is left wakes us again. */
static void advance(struct connection *connection) {
  bool is_idle = !is_churn && connection->received == bytes;
  if (!connection->is_shut && !is_idle) {
    send_rest(connection);
    if (connection->fd < 0 || !receive_rest(connection)) return;
    if (!is_churn) {
      done(connection);
      if (now_us(CLOCK_MONOTONIC) >= deadline_us) return;
      connection->sent = connection->received = 0;
      return send_rest(connection);
    }
    shutdown(connection->fd, SHUT_WR);
    connection->is_shut = true;
  }
  ssize_t count = recv(connection->fd, buffer, 1, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count == 0 && !is_idle) done(connection);
  drop(connection, count != 0 || is_idle);
}

static void poll_once(int timeout_ms) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(poller, events, EVENTS, timeout_ms);
  for (int index = 0; index < count; index++) advance(events[index].data.ptr);
}

/* Each connection makes one round trip: deadline_us lies in the past. */
static void open_all(void) {
  for (int index = 0; index < connections; index++) {
    while (index - operations - errors >= CONNECTING_MAX) poll_once(1000);
    start(&all[index]);
  }
  while (operations + errors < connections) poll_once(1000);
}

static void run_echo(void) {
  for (int index = 0; index < connections; index++) {
    struct connection *connection = &all[index];
    if (connection->fd < 0) continue;
    connection->started_us = now_us(CLOCK_MONOTONIC);
    connection->sent = connection->received = 0;
    send_rest(connection);
  }
  int64_t end_us = deadline_us + 10000000;
  for (;;) {
    poll_once(10);
    int64_t now = now_us(CLOCK_MONOTONIC);
    if (now < deadline_us) continue;
    bool is_over = true;
    for (int index = 0; index < connections; index++)
      is_over = is_over && (all[index].fd < 0 || all[index].received == bytes);
    if (is_over) return;
    if (now > end_us) fprintf(stderr, "the server does not answer\n"), exit(1);
  }
}

static void run_churn(void) {
  int64_t begin_us = now_us(CLOCK_MONOTONIC), started = 0;
  int64_t end_us = deadline_us + 10000000;
  for (int64_t now = begin_us;; now = now_us(CLOCK_MONOTONIC)) {
    if (now >= deadline_us && open_count == 0) return;
    if (now > end_us) fprintf(stderr, "the server does not answer\n"), exit(1);
    int64_t due = rate > 0 ? (int64_t)((now - begin_us) * rate / 1e6) + 1 - started : connections;
    for (int index = 0; index < connections && due > 0 && now < deadline_us; index++) {
      if (all[index].fd >= 0) continue;
      start(&all[index]);
      started++;
      due--;
    }
    if (rate > 0 && due > 0 && now < deadline_us) missed += due, started += due;
    poll_once(rate > 0 ? 1 : 10);
  }
}

static int compare(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

int main(int count, char **arguments) {
  if (count < 6) return fprintf(stderr, "usage: see the head of echo-load.c\n"), 2;
  is_churn = strcmp(arguments[1], "churn") == 0;
  port = atoi(arguments[2]);
  connections = atoi(arguments[3]);
  bytes = strtoul(arguments[4], NULL, 10);
  seconds = atof(arguments[5]);
  rate = count > 6 ? atof(arguments[6]) : 0;
  if (count > 7 && (file = fopen(arguments[7], "w")) == NULL) fail(arguments[7]);
  all = calloc(connections, sizeof *all);
  pattern = malloc(bytes);
  samples = malloc(SAMPLES_MAX * sizeof *samples);
  if (all == NULL || pattern == NULL || samples == NULL) fail("malloc");
  for (size_t index = 0; index < bytes; index++) pattern[index] = (char)(index * 31 + index / 251);
  for (int index = 0; index < connections; index++) all[index].fd = -1;
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (!is_churn) open_all();
  printf("ready\n");
  fflush(stdout);
  if (fgets(buffer, sizeof buffer, stdin) == NULL) return 0;
  sampled = operations = 0;
  int64_t begin_us = now_us(CLOCK_MONOTONIC);
  deadline_us = begin_us + (int64_t)(seconds * 1e6);
  if (is_churn) run_churn();
  else run_echo();
  double took = (now_us(CLOCK_MONOTONIC) - begin_us) / 1e6;
  if (file != NULL) fclose(file);
  qsort(samples, sampled, sizeof *samples, compare);
  uint32_t p50 = sampled > 0 ? samples[sampled / 2] : 0;
  uint32_t p99 = sampled > 0 ? samples[sampled * 99 / 100] : 0;
  printf("{\"operations\":%lld,\"errors\":%lld,\"missed\":%lld,\"seconds\":%.3f,\"p50Us\":%u,\"p99Us\":%u,\"samplesUs\":[",
         (long long)operations, (long long)errors, (long long)missed, took, p50, p99);
  for (int64_t index = 0; rate > 0 && index < sampled; index++) printf(index > 0 ? ",%u" : "%u", samples[index]);
  printf("]}\n");
  fflush(stdout);
  while (fgets(buffer, sizeof buffer, stdin) != NULL) continue;
  return 0;
}
