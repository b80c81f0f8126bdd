/*
 * A disk whose power can be cut: one file, exported through the raw /dev/fuse protocol, that a loop
 * device lies on. It knows every write and every flush that reached it, can delay each flush, and
 * keeps its content in memory.
 *
 *   block-device DIRECTORY IMAGE private|shared LOG|-
 *
 * Mounts itself on DIRECTORY/fuse, which then holds two files:
 *   disk     the content of IMAGE. `private`: writes are dropped at the end, IMAGE stays as it was.
 *   control  takes lines: `delay MICROSECONDS` (of every flush from now on), `mark TEXT` (into the
 *            log, in order with the writes around it). Reading it gives `writes N flushes N bytes N`.
 * A loop device turns a flush request into an fsync of `disk`; LOG receives one record each:
 *   u32 kind (1 write, 2 flush, 3 mark), u32 length, u64 offset, then `length` bytes. Little endian.
 *
 * Requests are answered one after the other, so the log's order is the order in which the device
 * completed them, and a delayed flush holds up what comes after it, as on a disk without queues.
 *
 * Prints `ready` when it can be used. At the end of its standard input (also when the process that
 * held the other end was killed) it detaches DIRECTORY/mnt and itself, serves what is still in
 * flight, and removes DIRECTORY.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

enum { ROOT = 1, DISK = 2, CONTROL = 3 };
enum { RECORD_WRITE = 1, RECORD_FLUSH = 2, RECORD_MARK = 3 };
enum { TRANSFER_MAX = 1 << 20, REQUEST_MAX = TRANSFER_MAX + 4096 };

static int fuse_fd;
static int log_fd = -1;
static unsigned char *content;
static uint64_t content_size;
static long flush_delay_us;
static uint64_t writes, flushes, bytes_written;

static void die(const char *what) {
  fprintf(stderr, "block-device: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void append_record(uint32_t kind, uint64_t offset, const void *data, uint32_t length) {
  if (log_fd < 0) return;
  struct { uint32_t kind, length; uint64_t offset; } header = {kind, length, offset};
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)data, length}};
  if (writev(log_fd, parts, 2) != (ssize_t)(sizeof header + length)) die("writing the log");
}

static void reply(const struct fuse_in_header *request, int error, const void *data, size_t length) {
  struct fuse_out_header header = {
      .len = sizeof header + length, .error = -error, .unique = request->unique};
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)data, length}};
  /* ENOENT: the request was interrupted meanwhile and nobody waits for the answer. */
  if (writev(fuse_fd, parts, 2) < 0 && errno != ENOENT && errno != ENODEV) die("answering");
}

static struct fuse_attr attributes_of(uint64_t node) {
  struct fuse_attr attributes = {.ino = node, .nlink = 1, .blksize = 4096, .mode = S_IFREG | 0600};
  if (node == ROOT) attributes.mode = S_IFDIR | 0700;
  if (node == DISK) {
    attributes.size = content_size;
    attributes.blocks = content_size / 512;
  }
  return attributes;
}

static void look_up(const struct fuse_in_header *request, const char *name) {
  uint64_t node = strcmp(name, "disk") == 0 ? DISK : strcmp(name, "control") == 0 ? CONTROL : 0;
  if (request->nodeid != ROOT || node == 0) return reply(request, ENOENT, NULL, 0);
  struct fuse_entry_out entry = {
      .nodeid = node, .entry_valid = 3600, .attr_valid = 3600, .attr = attributes_of(node)};
  reply(request, 0, &entry, sizeof entry);
}

static void read_file(const struct fuse_in_header *request, const struct fuse_read_in *in) {
  if (request->nodeid == CONTROL) {
    char text[128];
    int length = snprintf(text, sizeof text, "writes %lu flushes %lu bytes %lu\n", writes, flushes,
                          bytes_written);
    if (in->offset >= (uint64_t)length) return reply(request, 0, NULL, 0);
    return reply(request, 0, text + in->offset, length - in->offset);
  }
  if (in->offset >= content_size) return reply(request, 0, NULL, 0);
  uint64_t left = content_size - in->offset;
  reply(request, 0, content + in->offset, in->size < left ? in->size : left);
}

static void control(const char *text, uint32_t length) {
  if (length > 6 && strncmp(text, "delay ", 6) == 0) {
    char number[32] = {0};
    memcpy(number, text + 6, length - 6 < 31 ? length - 6 : 31);
    flush_delay_us = atol(number);
  } else if (length > 5 && strncmp(text, "mark ", 5) == 0) {
    append_record(RECORD_MARK, 0, text + 5, length - 5);
  }
}

static void write_file(const struct fuse_in_header *request, const struct fuse_write_in *in) {
  const void *data = in + 1;
  if (request->nodeid == CONTROL) {
    control(data, in->size);
  } else {
    if (in->offset + in->size > content_size) return reply(request, ENOSPC, NULL, 0);
    memcpy(content + in->offset, data, in->size);
    append_record(RECORD_WRITE, in->offset, data, in->size);
    writes++;
    bytes_written += in->size;
  }
  struct fuse_write_out out = {.size = in->size};
  reply(request, 0, &out, sizeof out);
}

static void flush(const struct fuse_in_header *request) {
  if (request->nodeid == DISK) {
    if (flush_delay_us > 0) {
      struct timespec delay = {flush_delay_us / 1000000, flush_delay_us % 1000000 * 1000};
      nanosleep(&delay, NULL);
    }
    append_record(RECORD_FLUSH, 0, NULL, 0);
    flushes++;
  }
  reply(request, 0, NULL, 0);
}

static void initialise(const struct fuse_in_header *request, const struct fuse_init_in *in) {
  struct fuse_init_out out = {
      .major = FUSE_KERNEL_VERSION,
      .minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor : FUSE_KERNEL_MINOR_VERSION,
      .max_readahead = 0,
      .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES,
      .max_write = TRANSFER_MAX,
      .max_pages = TRANSFER_MAX / 4096,
      .max_background = 16,
      .congestion_threshold = 12,
      .time_gran = 1};
  reply(request, 0, &out, sizeof out);
}

static void serve(const struct fuse_in_header *request) {
  const void *in = request + 1;
  switch (request->opcode) {
    case FUSE_INIT: return initialise(request, in);
    case FUSE_LOOKUP: return look_up(request, in);
    case FUSE_GETATTR:
    case FUSE_SETATTR: {
      struct fuse_attr_out out = {.attr_valid = 3600, .attr = attributes_of(request->nodeid)};
      return reply(request, 0, &out, sizeof out);
    }
    case FUSE_OPEN: {
      /* No page cache of the kernel's in between: what is written is written here. */
      struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};
      return reply(request, 0, &out, sizeof out);
    }
    case FUSE_READ: return read_file(request, in);
    case FUSE_WRITE: return write_file(request, in);
    case FUSE_FSYNC: return flush(request);
    case FUSE_FLUSH:
    case FUSE_RELEASE: return reply(request, 0, NULL, 0);
    case FUSE_STATFS: {
      struct fuse_statfs_out out = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
      return reply(request, 0, &out, sizeof out);
    }
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: return;
    default: return reply(request, ENOSYS, NULL, 0);
  }
}

/* Waits in a process of its own for the end of standard input, then takes everything down. */
static void guard(const char *mount_path, const char *fuse_path) {
  if (fork() != 0) return;
  close(fuse_fd);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  umount2(mount_path, MNT_DETACH);
  umount2(fuse_path, MNT_DETACH);
  _exit(0);
}

/*
 * Moves this process to a mount namespace that does not hold what will be mounted on the disk: the
 * last process of a namespace unmounts it, and would wait for answers that only it can give.
 */
static void leave_mounts(const char *fuse_path) {
  if (unshare(CLONE_NEWNS) != 0) die("unshare");
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) die("making mounts private");
  if (umount2(fuse_path, MNT_DETACH) != 0) die("umount");
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: block-device DIRECTORY IMAGE private|shared LOG|-\n");
    return 64;
  }
  char fuse_path[4096], mount_path[4096], options[128];
  snprintf(fuse_path, sizeof fuse_path, "%s/fuse", arguments[1]);
  snprintf(mount_path, sizeof mount_path, "%s/mnt", arguments[1]);

  int private_content = strcmp(arguments[3], "private") == 0;
  int image = open(arguments[2], O_RDWR | O_CLOEXEC);
  struct stat stats;
  if (image < 0 || fstat(image, &stats) != 0) die(arguments[2]);
  content_size = stats.st_size;
  content = mmap(NULL, content_size, PROT_READ | PROT_WRITE,
                 (private_content ? MAP_PRIVATE : MAP_SHARED) | MAP_NORESERVE, image, 0);
  if (content == MAP_FAILED) die("mapping the image");
  if (strcmp(arguments[4], "-") != 0) {
    log_fd = open(arguments[4], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) die(arguments[4]);
  }

  fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fuse_fd < 0) die("/dev/fuse");
  mkdir(fuse_path, 0700);
  mkdir(mount_path, 0700);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse_fd);
  if (mount("draftfs-block", fuse_path, "fuse", MS_NOSUID | MS_NODEV, options) != 0) die("mount");
  guard(mount_path, fuse_path);
  leave_mounts(fuse_path);
  /* Memory that it takes while it answers must not wait for the disk that waits for the answer. */
  prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
  printf("ready\n");
  fflush(stdout);

  unsigned char *request = malloc(REQUEST_MAX);
  for (;;) {
    ssize_t length = read(fuse_fd, request, REQUEST_MAX);
    if (length >= 0) serve((struct fuse_in_header *)request);
    else if (errno == ENODEV) break; /* Unmounted, and the last file closed. */
    else if (errno != EINTR && errno != EAGAIN && errno != ENOENT) die("reading a request");
  }
  rmdir(fuse_path);
  execlp("rm", "rm", "-rf", "--one-file-system", arguments[1], (char *)NULL);
  return 1;
}
