import { writeOut } from './output.ts'
import { printable } from './report.ts'
import { isTerminalFd } from './terminal.ts'

const STDOUT = 1

/**
 * Writes what images and containers had a hand in, such as labels: on a terminal their escape sequences are shown, not
 * obeyed; a program that reads gets them as they are.
 */
export async function writeShown(text: string): Promise<void> {
  writeOut((await isTerminalFd(STDOUT)) ? printable(text) : text)
}
