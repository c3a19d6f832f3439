import { createSocket } from 'node:dgram'
import { createServer, type Server as HttpServer } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { PATIENCE } from './patience.ts'

export interface Served {
  readonly port: number
  readonly close: () => Promise<void>
}

/** An HTTP server on this host's loopback that always answers with the text. */
export async function serveText(text: string): Promise<Served> {
  const server = createServer((_request, response) => response.end(text))
  return listen(server)
}

/** A TCP port of this host that is taken. */
export async function occupyPort(): Promise<Served> {
  return listen(createTcpServer())
}

function listen(server: HttpServer | ReturnType<typeof createTcpServer>): Promise<Served> {
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('no port was given')
      resolve({
        port: address.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
          }),
      })
    })
  })
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const served = await occupyPort()
  await served.close()
  return served.port
}

/** All that a TCP server says to the text, until it closes; undefined where nobody listens. */
export function talkTcp(port: number, text: string, host = '127.0.0.1'): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ port, host }, () => socket.end(text))
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      answer += chunk
    })
    socket.on('close', (failed) => resolve(failed && answer === '' ? undefined : answer))
    socket.on('error', () => {})
  })
}

/** The first answer to a datagram, which is sent again until there is one. */
export function talkUdp(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    const send = () => socket.send(text, port, '127.0.0.1')
    const again = setInterval(send, 100)
    const end = () => {
      clearInterval(again)
      clearTimeout(deadline)
      socket.close()
    }
    const deadline = setTimeout(() => {
      end()
      reject(new Error(`no answer from udp port ${port}`))
    }, 10_000 * PATIENCE)
    socket.on('message', (message) => {
      end()
      resolve(message.toString())
    })
    // Nobody listens yet.
    socket.on('error', () => {})
    send()
  })
}
