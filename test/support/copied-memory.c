/* Preloaded into Node where it is to fork(2): V8 tells the kernel to copy none of its memory to a
 * child, for Node never forks but to start another program, and is faster so. A child that is to go
 * on where its parent was needs all of it. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int madvise(void *start, size_t length, int advice)
{
	if (advice == MADV_DONTFORK)
		return 0;
	return (int)syscall(SYS_madvise, start, length, advice);
}
