export { type InsideSetup, setUpInside } from './inside.ts'
