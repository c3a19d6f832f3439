import { describe, expect, it } from 'vitest'
import { compileTemplate } from '../../src/cli/template/template.ts'

const DATA = {
  At: '2026-03-04T05:06:07.089Z',
  Local: '2026-12-31 23:59:58.5 +0530 +0530',
  None: '0001-01-01T00:00:00Z',
  Name: 'web',
}
const render = (source: string) => compileTemplate(source).render(DATA)

describe('a time in a template', () => {
  it.each([
    ['{{.At}}', DATA.At],
    ['{{.At.Unix}} {{.At.UnixMilli}} {{.At.UnixNano}}', '1772600767 1772600767089 1772600767089000000'],
    ['{{.Local.Unix}} {{.Local.Nanosecond}}', '1798741798 500000000'],
    ['{{.At.Year}} {{.At.Month}} {{.At.Day}} {{.At.Weekday}} {{.At.YearDay}}', '2026 March 4 Wednesday 63'],
    ['{{.At.Hour}}:{{.At.Minute}}:{{.At.Second}}', '5:6:7'],
    ['{{.At.String}}', '2026-03-04 05:06:07.089 +0000 UTC'],
    ['{{.At.Format "2006-01-02T15:04:05Z07:00"}}', '2026-03-04T05:06:07Z'],
    ['{{.Local.Format "Mon, 02 Jan 2006 03:04:05.000 PM -0700"}}', 'Thu, 31 Dec 2026 11:59:58.500 PM +0530'],
    ['{{.At.Format "Monday January _2 15h 06.999"}}', 'Wednesday March  4 05h 26.089'],
    ['{{.None.IsZero}} {{.At.IsZero}}', 'true false'],
  ])('%s', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it.each(['{{.At.Nope}}', '{{.Name.Unix}}'])('is a mistake: %s', (source) => {
    expect(() => render(source)).toThrow("can't evaluate field")
  })
})
