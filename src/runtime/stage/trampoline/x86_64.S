/*
 * The program that stands between init and the workload. Its bytes are in code.ts; test/runtime/trampoline.test.ts assembles this
 * file and compares. Its parameters follow it: see elf.ts for their form.
 *
 * argv[0] is the path of the workload, argv[1] and what follows are the workload's argv. What goes wrong is written to the report
 * descriptor as two 32-bit numbers, the step and errno.
 */
        .text
        .globl  _start
_start:
        lea     parameters(%rip), %rbx

        # Nobody else in the container may trace this process or take its descriptors; execve undoes it.
        mov     $4, %edi                # PR_SET_DUMPABLE
        xor     %esi, %esi
        mov     $157, %eax              # prctl
        syscall

        # The report descriptor ends with this program. It is not there where this is no start by init.
        xor     %r12d, %r12d            # step 0
        mov     0(%rbx), %edi
        mov     $2, %esi                # F_SETFD
        mov     $1, %edx                # FD_CLOEXEC
        mov     $72, %eax               # fcntl
        syscall
        test    %eax, %eax
        js      failed

        # The label of the workload: attr/exec counts for the next execve of the process that wrote it.
        inc     %r12d                   # step 1
        mov     4(%rbx), %edi           # descriptor of /proc
        test    %edi, %edi
        js      filter
        mov     32(%rbx), %rsi          # path of the attribute below it
        lea     48(%rbx), %rdx          # struct open_how
        mov     $24, %r10d
        mov     $437, %eax              # openat2
        syscall
        test    %eax, %eax
        js      failed
        mov     %eax, %edi
        mov     40(%rbx), %rsi
        mov     28(%rbx), %edx
        mov     $1, %eax                # write
        syscall
        test    %rax, %rax
        js      failed
        mov     4(%rbx), %edi
        mov     $3, %eax                # close
        syscall

filter:
        inc     %r12d                   # step 2
        cmpw    $0, 8(%rbx)
        je      execute
        mov     $1, %edi                # SECCOMP_SET_MODE_FILTER
        mov     24(%rbx), %esi
        lea     8(%rbx), %rdx           # struct sock_fprog
        mov     $317, %eax              # seccomp
        syscall
        test    %eax, %eax
        js      failed

execute:
        inc     %r12d                   # step 3
        mov     (%rsp), %rax            # argc
        mov     8(%rsp), %rdi
        lea     16(%rsp), %rsi
        lea     16(%rsp, %rax, 8), %rdx
        mov     $59, %eax               # execve
        syscall

failed:
        neg     %eax
        mov     %r12d, -8(%rsp)
        mov     %eax, -4(%rsp)
        mov     0(%rbx), %edi
        lea     -8(%rsp), %rsi
        mov     $8, %edx
        mov     $1, %eax                # write
        syscall
        mov     $127, %edi
        cmp     $8, %rax
        je      end

        # Started by somebody else, as the interpreter of a script for example.
        mov     $2, %edi
        lea     refusal(%rip), %rsi
        mov     $(refusal_end - refusal), %edx
        mov     $1, %eax                # write
        syscall
        mov     $126, %edi
end:
        mov     $231, %eax              # exit_group
        syscall
        hlt

refusal:
        .ascii  "Error: cannot execute \"/proc/self/exe\": it is the program that starts containers\n"
refusal_end:
        .balign 8, 0
parameters:
