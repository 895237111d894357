// A load generator for chat completions over HTTP/1.1: one thread, one epoll set, 127.0.0.1 only.
//
//   load closed PORT BODY [-c connections] [-d seconds] [-n requests] [-H 'Name: value']…
//   load rate   PORT BODY [-r requests a second] …
//   load hold   PORT BODY …
//
// -T CAFILE speaks TLS to the port, asks for `localhost` and verifies the certificate. Each connection makes a full
// handshake; with a fixed rate the clock starts when all of them are through.
// closed: every connection sends its next request when the answer to the last one is complete; -n ends it early.
// rate:   requests start at fixed times, answered or not; latency counts from the time a request was to start.
// hold:   opens the connections, 64 at a time; each sends one request and is ready when the answer is complete, or
//         with its first event for a stream. Prints "ready N LOST" and keeps them open until standard input ends, at
//         most -d seconds.
// The last line is a JSON object. An answer counts when its status is 200 and its body ends as announced; a stream
// must end in "data: [DONE]".
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { head_bytes = 4096, read_bytes = 65536, batch = 256, ramp = 64, samples_max = 8 << 20, drain_seconds = 8 };
enum mode { closed_loop, fixed_rate, hold_open };
enum state {
    idle, connecting, shaking, sending, in_head, in_body, in_size, in_chunk, after_chunk, in_trailer, resting
};

struct caller {
    int fd;
    SSL *tls;
    enum state state;
    int sent;
    int head_used;
    int line_used;
    bool is_event_stream;
    bool newline;        // the last byte of the body was one
    bool counted_ready;
    uint64_t left;       // bytes of the body or of the chunk
    uint64_t started;
    int events;
    int tail_used;
    char tail[16];       // the last bytes of the body
    char line[32];
    char *head;
};

struct samples {
    uint32_t *us;
    size_t count;
};

static enum mode mode;
static struct sockaddr_in target;
static char request[65536];
static int request_bytes;
static int connections = 64;
static double seconds = 1, rate = 1000;
static uint64_t requests_max = UINT64_MAX;
static struct caller *callers;
static struct caller **free_callers;
static int free_count;
static int poll_fd, timer_fd;
static SSL_CTX *tls_context;  // NULL: in the clear
static uint64_t begun, started_requests, answered, errors, late, events_seen, ready, lost;
static int in_flight;
static bool stopping, stdin_ended;
static struct samples latency, first_event;
static char first_error[256];

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "");
    exit(2);
}

static void sample(struct samples *s, uint64_t since) {
    if (s->count < samples_max) s->us[s->count++] = (uint32_t)((now_ns() - since) / 1000);
}

static void watch(struct caller *c, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

static void fail(struct caller *c, const char *why) {
    errors++;
    if (!first_error[0]) {
        int shown = c->head_used < 120 ? c->head_used : 120;
        snprintf(first_error, sizeof first_error, "%s (state %d) %.*s", why, (int)c->state, shown, c->head);
        for (char *b = first_error; *b; b++)
            if (*b < ' ' || *b == '"' || *b == '\\') *b = ' ';
    }
}

static void open_caller(struct caller *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    int yes = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(c->fd, (struct sockaddr *)&target, sizeof target) && errno != EINPROGRESS) die("connect");
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &e)) die("epoll");
    c->state = connecting;
}

// As recv(2) and send(2) would say it: -1 with EAGAIN when nothing moves.
static ssize_t tls_result(struct caller *c, int n) {
    if (n > 0) return n;
    int why = SSL_get_error(c->tls, n);
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    ERR_clear_error();
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t read_some(struct caller *c, char *bytes, size_t count) {
    return c->tls ? tls_result(c, SSL_read(c->tls, bytes, (int)count)) : recv(c->fd, bytes, count, 0);
}

static ssize_t write_some(struct caller *c, const char *bytes, size_t count) {
    return c->tls ? tls_result(c, SSL_write(c->tls, bytes, (int)count)) : send(c->fd, bytes, count, MSG_NOSIGNAL);
}

static void give_back(struct caller *c) {
    c->state = idle;
    free_callers[free_count++] = c;
}

// Closed by the other side, or broken off by us. A caller with a request left to make connects anew.
static void drop(struct caller *c, bool is_error, const char *why) {
    if (c->state != idle && c->state != resting) in_flight--;
    if (is_error) fail(c, why);
    if (c->state == resting || mode == hold_open) lost++;
    if (c->tls) SSL_free(c->tls);
    c->tls = NULL;
    close(c->fd);
    c->fd = -1;
    c->state = resting;
    if (mode != hold_open && !stopping && errors < 1000) {
        open_caller(c);
        in_flight++;
    }
}

static void push(struct caller *c) {
    while (c->sent < request_bytes) {
        ssize_t n = write_some(c, request + c->sent, (size_t)(request_bytes - c->sent));
        if (n < 0 && errno == EAGAIN) {
            watch(c, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0) return drop(c, true, strerror(errno));
        c->sent += (int)n;
    }
    c->state = in_head;
}

static void start(struct caller *c, uint64_t at) {
    c->sent = c->head_used = c->line_used = c->tail_used = c->events = 0;
    c->is_event_stream = c->newline = false;
    c->started = at;
    c->state = sending;
    in_flight++;
    started_requests++;
    push(c);
}

static bool may_start(void) { return !stopping && started_requests < requests_max; }

static void become_ready(struct caller *c) {
    if (mode != hold_open || c->counted_ready) return;
    c->counted_ready = true;
    ready++;
}

static void complete(struct caller *c) {
    bool whole = !c->is_event_stream || (c->tail_used == 16 && !memcmp(c->tail, "\ndata: [DONE]\n\n", 15)) ||
                 (c->tail_used == 16 && !memcmp(c->tail + 2, "data: [DONE]\n\n", 14));
    in_flight--;
    if (whole) answered++;
    else fail(c, "a stream without its end");
    sample(&latency, c->started);
    become_ready(c);
    if (mode == hold_open) c->state = resting;
    else if (mode == closed_loop && may_start()) start(c, now_ns());
    else give_back(c);
}

static void keep_tail(struct caller *c, const char *bytes, size_t count) {
    if (count >= 16) {
        memcpy(c->tail, bytes + count - 16, 16);
        c->tail_used = 16;
        return;
    }
    int kept = c->tail_used + (int)count > 16 ? 16 - (int)count : c->tail_used;
    memmove(c->tail, c->tail + (c->tail_used - kept), (size_t)kept);
    memcpy(c->tail + kept, bytes, count);
    c->tail_used = kept + (int)count;
}

// Body bytes: an event ends with two newlines.
static void take(struct caller *c, const char *bytes, size_t count) {
    keep_tail(c, bytes, count);
    if (!c->is_event_stream) return;
    const char *at = bytes, *end = bytes + count, *hit;
    while (at < end && (hit = memchr(at, '\n', (size_t)(end - at)))) {
        bool pair = hit == bytes ? c->newline : hit[-1] == '\n';
        if (pair) {
            events_seen++;
            if (c->events++ == 0) {
                sample(&first_event, c->started);
                become_ready(c);
            }
        }
        at = hit + 1;
    }
    c->newline = bytes[count - 1] == '\n';
}

// Reads the head that has come to its end; false: not an answer that this program can use.
static bool understand(struct caller *c) {
    c->head[c->head_used] = 0;
    if (strncmp(c->head, "HTTP/1.1 200", 12)) return false;
    c->is_event_stream = strcasestr(c->head, "\r\ncontent-type: text/event-stream") != NULL;
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    if (length) {
        c->left = strtoull(length + 17, NULL, 10);
        c->state = in_body;
        return true;
    }
    c->state = in_size;
    return strcasestr(c->head, "\r\ntransfer-encoding: chunked") != NULL;
}

static size_t read_head(struct caller *c, const char *bytes, size_t count) {
    size_t room = (size_t)(head_bytes - 1 - c->head_used), n = count < room ? count : room;
    int before = c->head_used;
    memcpy(c->head + before, bytes, n);
    c->head_used += (int)n;
    int from = before > 3 ? before - 3 : 0;
    char *end = memmem(c->head + from, (size_t)(c->head_used - from), "\r\n\r\n", 4);
    if (!end) return c->head_used == head_bytes - 1 ? 0 : n;
    int head_end = (int)(end - c->head) + 4;
    c->head_used = head_end;
    return understand(c) ? (size_t)(head_end - before) : 0;
}

// One line of the chunked framing, kept in pieces; true when it is whole.
static bool read_line(struct caller *c, char byte) {
    if (c->line_used < (int)sizeof c->line - 1) c->line[c->line_used++] = byte;
    if (byte != '\n') return false;
    c->line[c->line_used] = 0;
    c->line_used = 0;
    return true;
}

// What one read brought. False: broken; the reason is in `errors`.
static bool digest(struct caller *c, const char *bytes, size_t count) {
    size_t at = 0;
    while (at < count) {
        size_t rest = count - at, n;
        switch (c->state) {
        case in_head:
            n = read_head(c, bytes + at, rest);
            if (n == 0) return false;
            at += n;
            if (c->state == in_body && c->left == 0) complete(c);
            break;
        case in_body:
        case in_chunk:
            n = rest < c->left ? rest : (size_t)c->left;
            take(c, bytes + at, n);
            at += n;
            c->left -= n;
            if (c->left == 0 && c->state == in_chunk) c->state = after_chunk;
            else if (c->left == 0) complete(c);
            break;
        case in_size:
            if (!read_line(c, bytes[at++])) break;
            c->left = strtoull(c->line, NULL, 16);
            c->state = c->left ? in_chunk : in_trailer;
            break;
        case after_chunk:
            if (read_line(c, bytes[at++])) c->state = in_size;
            break;
        case in_trailer:
            if (read_line(c, bytes[at++]) && (c->line[0] == '\r' || c->line[0] == '\n')) complete(c);
            break;
        default: return false;
        }
    }
    return true;
}

static void connected(struct caller *c) {
    watch(c, EPOLLIN);
    in_flight--;
    if (mode == fixed_rate || !may_start()) give_back(c);
    else start(c, now_ns());
}

static void shake(struct caller *c) {
    int n = SSL_do_handshake(c->tls);
    if (n == 1) return connected(c);
    int why = SSL_get_error(c->tls, n);
    if (why == SSL_ERROR_WANT_READ) return watch(c, EPOLLIN);
    if (why == SSL_ERROR_WANT_WRITE) return watch(c, EPOLLIN | EPOLLOUT);
    if (errors > 100) stopping = true;
    drop(c, true, "the TLS handshake failed");
}

static void begin_tls(struct caller *c) {
    c->state = shaking;
    c->tls = SSL_new(tls_context);
    if (!c->tls || SSL_set_fd(c->tls, c->fd) != 1) die("SSL_new");
    SSL_set_tlsext_host_name(c->tls, "localhost");
    SSL_set1_host(c->tls, "localhost");
    SSL_set_connect_state(c->tls);
    shake(c);
}

static void serve(struct caller *c, uint32_t events) {
    static char bytes[read_bytes];
    if (c->fd < 0) return;
    if (c->state == connecting) {
        int problem = 0;
        socklen_t size = sizeof problem;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem) {
            if (errors > 100) stopping = true;
            return drop(c, true, strerror(problem));
        }
        if (tls_context) begin_tls(c);
        else connected(c);
        return;
    }
    if (c->state == shaking) return shake(c);
    if (c->state == sending && events & EPOLLOUT) {
        watch(c, EPOLLIN);
        push(c);
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || c->fd < 0) return;
    ssize_t n = read_some(c, bytes, sizeof bytes);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return drop(c, c->state != idle && c->state != resting, "closed by the proxy");
    if (!digest(c, bytes, (size_t)n)) drop(c, true, "an answer that is not 200 or not framed");
}

// ---- what the modes do between two waits

static void keep_rate(void) {
    uint64_t now = now_ns(), gap = (uint64_t)(1e9 / rate), due;
    static uint64_t next = 0;
    while (!stopping && (due = begun + next * gap) <= now && started_requests < requests_max) {
        if (free_count == 0) {
            late++;
            break;
        }
        next++;
        start(free_callers[--free_count], due);
    }
    if (stopping) return;
    due = begun + next * gap;
    if (due <= now) due = now + 200000;
    struct itimerspec at = {.it_value = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static bool keep_holding(int *opened) {
    static bool told = false;
    while (*opened < connections && *opened - (int)ready - (int)lost < ramp) {
        in_flight++;
        open_caller(&callers[(*opened)++]);
    }
    if (!told && ready + lost >= (uint64_t)connections) {
        told = true;
        printf("ready %lu %lu\n", ready - lost, lost);
        fflush(stdout);
    }
    return !stdin_ended;
}

// ---- result

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t percentile(struct samples *s, double share) {
    return s->count ? s->us[(size_t)((double)(s->count - 1) * share)] : 0;
}

static void print_result(uint64_t ended) {
    double wall = (double)(ended - begun) / 1e9;
    qsort(latency.us, latency.count, sizeof *latency.us, by_value);
    qsort(first_event.us, first_event.count, sizeof *first_event.us, by_value);
    printf("{\"answered\": %lu, \"errors\": %lu, \"unfinished\": %d, \"late\": %lu, \"events\": %lu, \"lost\": %lu, "
           "\"seconds\": %.4f, \"p50_us\": %u, \"p99_us\": %u, \"first_p50_us\": %u, \"first_p99_us\": %u, "
           "\"first_error\": \"%s\"}\n",
           answered, errors, in_flight, late, events_seen, lost, wall, percentile(&latency, 0.5),
           percentile(&latency, 0.99), percentile(&first_event, 0.5), percentile(&first_event, 0.99), first_error);
}

// ---- start

static void make_request(const char *path, char **headers, int header_count) {
    static char body[32768];
    FILE *f = fopen(path, "rb");
    if (!f) die(path);
    size_t n = fread(body, 1, sizeof body, f);
    fclose(f);
    int at = snprintf(request, sizeof request,
                      "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                      "Accept: application/json\r\nUser-Agent: OpenAI/Python 1.99.0\r\nContent-Length: %zu\r\n",
                      ntohs(target.sin_port), n);
    for (int i = 0; i < header_count; i++)
        at += snprintf(request + at, sizeof request - (size_t)at - n - 8, "%s\r\n", headers[i]);
    at += snprintf(request + at, 8, "\r\n");
    memcpy(request + at, body, n);
    request_bytes = at + (int)n;
}

static void use_tls(const char *ca_file) {
    tls_context = SSL_CTX_new(TLS_client_method());
    if (!tls_context || SSL_CTX_load_verify_locations(tls_context, ca_file, NULL) != 1) die(ca_file);
    SSL_CTX_set_verify(tls_context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
    signal(SIGPIPE, SIG_IGN);
}

static void read_arguments(int count, char **arguments) {
    char *headers[16];
    int header_count = 0;
    if (count < 4) die("usage: load closed|rate|hold PORT BODY [options]");
    mode = !strcmp(arguments[1], "closed") ? closed_loop : !strcmp(arguments[1], "rate") ? fixed_rate : hold_open;
    target.sin_family = AF_INET;
    target.sin_port = htons((uint16_t)atoi(arguments[2]));
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    optind = 4;
    for (int option; (option = getopt(count, arguments, "c:d:n:r:H:T:")) != -1;) {
        switch (option) {
        case 'c': connections = atoi(optarg); break;
        case 'd': seconds = atof(optarg); break;
        case 'n': requests_max = strtoull(optarg, NULL, 10); break;
        case 'r': rate = atof(optarg); break;
        case 'T': use_tls(optarg); break;
        case 'H': if (header_count < 16) headers[header_count++] = optarg; break;
        default: exit(2);
        }
    }
    make_request(arguments[3], headers, header_count);
}

static void prepare(void) {
    callers = calloc((size_t)connections, sizeof *callers);
    free_callers = calloc((size_t)connections, sizeof *free_callers);
    latency.us = malloc(samples_max * sizeof *latency.us);
    first_event.us = malloc(samples_max * sizeof *first_event.us);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &timer_fd};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &e);
    e.data.ptr = &stdin_ended;
    if (mode == hold_open) epoll_ctl(poll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &e);
    for (int i = 0; i < connections; i++) {
        callers[i].fd = -1;
        callers[i].head = malloc(head_bytes);
        if (mode == hold_open) continue;
        in_flight++;
        open_caller(&callers[i]);
    }
}

int main(int count, char **arguments) {
    read_arguments(count, arguments);
    prepare();
    begun = now_ns();
    uint64_t last = begun + (uint64_t)(seconds * 1e9), deadline = last + drain_seconds * 1000000000ull, ended = 0;
    int opened = 0;
    bool shaken = !tls_context || mode != fixed_rate;
    for (;;) {
        uint64_t now = now_ns();
        if (!shaken && free_count == connections) {
            shaken = true;
            deadline += now - begun;
            last += now - begun;
            begun = now;
        }
        if (now >= last) stopping = true;
        if (now >= deadline || errors >= 1000) break;
        if (mode == hold_open && (!keep_holding(&opened) || stopping)) break;
        if (mode == fixed_rate && shaken) keep_rate();
        if (mode != hold_open && in_flight == 0 && (stopping || started_requests >= requests_max)) break;
        struct epoll_event events[batch];
        int n = epoll_wait(poll_fd, events, batch, 20);
        for (int i = 0; i < n; i++) {
            void *who = events[i].data.ptr;
            uint64_t ticks;
            if (who == &timer_fd) { if (read(timer_fd, &ticks, sizeof ticks) < 0) continue; }
            else if (who == &stdin_ended) stdin_ended = true;
            else serve(who, events[i].events);
        }
    }
    ended = now_ns();
    print_result(ended);
    return 0;
}
