import { execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'

/** Who runs bryo in these tests: never root. */
export interface TestUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const NAME = 'bryotest'

/** The caller, or where root runs the tests the user that the set-up script makes for them. */
function findTestUser(): TestUser {
  const { uid, gid, username } = userInfo()
  if (uid !== 0) return { name: username, uid, gid }
  const id = (flag: string) => {
    try {
      return Number(execFileSync('id', [flag, NAME], { encoding: 'utf8' }))
    } catch (cause) {
      throw new Error(`there is no user ${NAME} to run containers as: run scripts/setup --dev`, { cause })
    }
  }
  return { name: NAME, uid: id('-u'), gid: id('-g') }
}

export const TEST_USER: TestUser = findTestUser()

export const RUNS_AS_ROOT = process.getuid?.() === 0
