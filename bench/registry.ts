import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Host } from './host.ts'
import type { LayeredImage } from './images.ts'

export interface Registry extends Disposable {
  /** What a pull names, for each image in turn. */
  readonly references: readonly string[]
}

/** Debian's docker-registry on the loopback with these images; undefined where it or skopeo is not installed. */
export async function startRegistry(
  host: Host,
  images: readonly LayeredImage[],
): Promise<Registry | undefined> {
  const [registry, skopeo] = [host.find('docker-registry'), host.find('skopeo')]
  if (registry === undefined || skopeo === undefined) return undefined
  const port = await freePort()
  const configuration = join(host.base, 'registry.yml')
  const storage = join(host.base, 'registry')
  writeFileSync(
    configuration,
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${storage} } }\nhttp: { addr: '127.0.0.1:${port}' }\n`,
  )
  const server = spawn(registry, ['serve', configuration], { stdio: 'ignore' })
  await answering(port)
  const references = images.map(({ layout }, index) => {
    const reference = `127.0.0.1:${port}/image${index}:latest`
    const copy = [skopeo, 'copy', '--insecure-policy', '--dest-tls-verify=false']
    host.mustRun([...copy, `oci:${layout}`, `docker://${reference}`])
    return reference
  })
  return { references, [Symbol.dispose]: () => void server.kill('SIGTERM') }
}

async function answering(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      if ((await fetch(`http://127.0.0.1:${port}/v2/`)).ok) return
    } catch (error) {
      if (attempt > 500) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
