// A fiber: a flow of control with a stack of its own, that goes on where it left off when it is changed to.
#pragma once

#include <cstddef>
#include <cstring>

#if defined(__x86_64__) && !defined(CUDA_ON_CPU_UCONTEXT)

// Saves what the ABI lets a function keep, exchanges the stacks, restores: about 20 times as fast as swapcontext.
extern "C" void cuda_on_cpu_change(void** from, void* to);
asm(R"(
.text
.globl cuda_on_cpu_change
.hidden cuda_on_cpu_change
.type cuda_on_cpu_change, @function
cuda_on_cpu_change:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size cuda_on_cpu_change, .-cuda_on_cpu_change
)");

struct Fiber {
    void* stack_pointer;
};

static void prepare(Fiber& fiber, char* stack, size_t bytes, void (*start)()) {
    void** top = reinterpret_cast<void**>(stack + bytes);
    top[-1] = nullptr;  // where `start` would return to
    top[-2] = reinterpret_cast<void*>(start);
    std::memset(top - 8, 0, 6 * sizeof(void*));
    fiber.stack_pointer = top - 8;
}

static void change(Fiber& from, Fiber& to) { cuda_on_cpu_change(&from.stack_pointer, to.stack_pointer); }

#else

#include <ucontext.h>

struct Fiber {
    ucontext_t context;
};

static void prepare(Fiber& fiber, char* stack, size_t bytes, void (*start)()) {
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = stack;
    fiber.context.uc_stack.ss_size = bytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, start, 0);
}

static void change(Fiber& from, Fiber& to) { swapcontext(&from.context, &to.context); }

#endif
