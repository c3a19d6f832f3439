import { type ChildProcess, spawn } from 'node:child_process'
import { PATIENCE } from './patience.ts'
import { RUNS_AS_ROOT, TEST_USER } from './user.ts'

export interface Ended {
  /** 128 + n for signal n, as a shell gives it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** In addition to the clean environment of the test user. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** All of standard input; absent for an empty one. */
  readonly input?: string | Uint8Array
  readonly timeoutMs?: number
  /** Further descriptors, from 3 on. */
  readonly fds?: readonly number[]
  /** In a process group of its own, so that a signal can be sent to all of it, as a terminal does. */
  readonly newGroup?: boolean
}

/** A command that may still run. */
export interface Started {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<Ended>
  /** Resolves once the output contains the text. @throws Error where the command ends before */
  readonly said: (text: string | RegExp) => Promise<void>
  readonly write: (text: string) => void
  readonly endInput: () => void
  readonly kill: (signal: NodeJS.Signals) => void
}

const DEFAULT_TIMEOUT_MS = 50_000
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
}

/** Starts a program as the test user with exactly this environment; standard input stays open until it is ended. */
export function startCommand(
  argv: readonly string[],
  options: CommandOptions & { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): Started {
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    detached: options.newGroup ?? false,
    stdio: ['pipe', 'pipe', 'pipe', ...(options.fds ?? [])],
    ...(RUNS_AS_ROOT && { uid: TEST_USER.uid, gid: TEST_USER.gid }),
  })
  return watch(child, argv, (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) * PATIENCE)
}

/** As {@link startCommand}, to its end. */
export function runCommand(
  argv: readonly string[],
  options: CommandOptions & { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): Promise<Ended> {
  const started = startCommand(argv, options)
  if (options.input !== undefined) started.write(options.input.toString())
  started.endInput()
  return started.ended
}

function watch(child: ChildProcess, argv: readonly string[], timeoutMs: number): Started {
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error(`${argv[0]} was started without pipes`)
  const texts = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  const collect = (stream: NodeJS.ReadableStream, name: keyof typeof texts) => {
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      texts[name] += chunk
      for (const listener of listeners) listener()
    })
  }
  collect(stdout, 'stdout')
  collect(stderr, 'stderr')
  // A command may end without reading its input.
  stdin.on('error', () => {})
  const ended = new Promise<Ended>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(
        new Error(`${argv.join(' ')} did not end within ${timeoutMs} ms\n${texts.stdout}${texts.stderr}`),
      )
    }, timeoutMs)
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ ...texts, code: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0) })
      for (const listener of listeners) listener()
    })
  })
  ended.catch(() => {})
  const said = async (text: string | RegExp): Promise<void> => {
    const found = () => {
      const all = texts.stdout + texts.stderr
      return typeof text === 'string' ? all.includes(text) : text.test(all)
    }
    let listener = () => {}
    const seen = new Promise<void>((resolve) => {
      listener = () => found() && resolve()
      listeners.add(listener)
      listener()
    })
    await Promise.race([seen, ended])
    listeners.delete(listener)
    if (!found())
      throw new Error(`${argv.join(' ')} ended without saying ${text}\n${texts.stdout}${texts.stderr}`)
  }
  return {
    pid: child.pid ?? 0,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    ended,
    said,
    write: (text) => void stdin.write(text),
    endInput: () => void stdin.end(),
    kill: (signal) => void child.kill(signal),
  }
}
