/*
 * The client side of a UDP echo: each client has one datagram on its way, and sends the next when that is back.
 *
 *   udp-load <port> <clients> <bytes> <seconds>
 *
 * Each client is a socket with a loopback address of its own. Each makes one round trip; then `ready` is printed, a line
 * on stdin is waited for, and what was done is one line of JSON, as echo-load.c has it. No two datagrams are alike, and
 * every byte that comes back is compared. One that is not back within 200 ms counts as missed, and is sent anew.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, BYTES_MAX = 65507, SAMPLES_MAX = 4 << 20, LOST_US = 200000 };

struct client {
  int fd;
  uint64_t number;
  int64_t sent_us;
};

static int clients, poller;
static size_t bytes;
static struct client *all;
static char pattern[BYTES_MAX], buffer[BYTES_MAX];
static uint32_t *samples;
static int64_t sampled, operations, errors, missed;
static uint64_t numbers;

static int64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void send_next(struct client *client) {
  client->number = ++numbers;
  memcpy(pattern, &client->number, sizeof client->number);
  client->sent_us = now_us();
  if (send(client->fd, pattern, bytes, 0) < 0) fail("send");
}

static void start(struct client *client, int index, int port) {
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000101u + (uint32_t)index)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  client->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client->fd < 0 || bind(client->fd, (struct sockaddr *)&from, sizeof from) < 0 ||
      connect(client->fd, (struct sockaddr *)&to, sizeof to) < 0)
    fail("a client");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event) < 0) fail("epoll_ctl");
}

/* Late ones of earlier rounds are let go. */
static void receive(struct client *client, int is_going_on) {
  ssize_t count = recv(client->fd, buffer, sizeof buffer, 0);
  if (count < 0 && (errno == EAGAIN || errno == ECONNREFUSED)) return;
  if (count < 0) fail("recv");
  if (memcmp(buffer, &client->number, sizeof client->number) != 0) return;
  memcpy(pattern, &client->number, sizeof client->number);
  if ((size_t)count != bytes || memcmp(buffer, pattern, bytes) != 0) errors++;
  if (sampled < SAMPLES_MAX) samples[sampled++] = (uint32_t)(now_us() - client->sent_us);
  operations++;
  client->number = 0;
  if (is_going_on) send_next(client);
}

/* Until the time, or until each client has had its answer. */
static void run(int64_t deadline_us) {
  int64_t end_us = now_us() + 10000000 + (deadline_us > 0 ? deadline_us - now_us() : 0);
  for (int index = 0; index < clients; index++) send_next(&all[index]);
  for (;;) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, 20);
    int64_t now = now_us();
    for (int index = 0; index < count; index++) receive(events[index].data.ptr, now < deadline_us);
    int waiting = 0;
    for (int index = 0; index < clients; index++) {
      if (all[index].number == 0) continue;
      waiting++;
      if (now - all[index].sent_us > LOST_US) missed++, send_next(&all[index]);
    }
    if (waiting == 0) return;
    if (now > end_us) fprintf(stderr, "the server does not answer\n"), exit(1);
  }
}

static int compare(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

int main(int count, char **arguments) {
  if (count < 5) return fprintf(stderr, "usage: see the head of udp-load.c\n"), 2;
  int port = atoi(arguments[1]);
  clients = atoi(arguments[2]);
  bytes = strtoul(arguments[3], NULL, 10);
  double seconds = atof(arguments[4]);
  if (clients < 1 || bytes < sizeof(uint64_t) || bytes > BYTES_MAX) return 2;
  all = calloc(clients, sizeof *all);
  samples = malloc(SAMPLES_MAX * sizeof *samples);
  if (all == NULL || samples == NULL) fail("malloc");
  for (size_t index = 0; index < bytes; index++) pattern[index] = (char)(index * 31 + index / 251);
  poller = epoll_create1(EPOLL_CLOEXEC);
  for (int index = 0; index < clients; index++) start(&all[index], index, port);
  run(0);
  printf("ready\n");
  fflush(stdout);
  if (fgets(buffer, sizeof buffer, stdin) == NULL) return 0;
  sampled = operations = missed = 0;
  int64_t begin_us = now_us();
  run(begin_us + (int64_t)(seconds * 1e6));
  double took = (now_us() - begin_us) / 1e6;
  qsort(samples, sampled, sizeof *samples, compare);
  uint32_t p50 = sampled > 0 ? samples[sampled / 2] : 0;
  uint32_t p99 = sampled > 0 ? samples[sampled * 99 / 100] : 0;
  printf("{\"operations\":%lld,\"errors\":%lld,\"missed\":%lld,\"seconds\":%.3f,\"p50Us\":%u,\"p99Us\":%u}\n",
         (long long)operations, (long long)errors, (long long)missed, took, p50, p99);
  fflush(stdout);
  while (fgets(buffer, sizeof buffer, stdin) != NULL) continue;
  return 0;
}
