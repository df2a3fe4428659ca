//! An allocator that counts, and ends the program where an input takes too much memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What every input may take, whatever its size.
const FREE: usize = 64 << 20;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn take(size: usize) {
    let live = LIVE.fetch_add(size, Relaxed).saturating_add(size);
    if live > LIMIT.load(Relaxed) {
        // The message itself takes memory.
        LIMIT.store(usize::MAX, Relaxed);
        eprintln!("an allocation of {size} bytes goes over 4 times the input plus 64 MiB");
        std::process::abort();
    }
}

// SAFETY: all is passed on to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Does something with an input of so many bytes. All memory that is held at one time, with both
/// blocks while one grows, may be 4 times the input plus 64 MiB.
pub fn within<T>(input: usize, work: impl FnOnce() -> T) -> T {
    LIMIT.store(LIVE.load(Relaxed).saturating_add(4 * input + FREE), Relaxed);
    let result = work();
    LIMIT.store(usize::MAX, Relaxed);
    result
}
