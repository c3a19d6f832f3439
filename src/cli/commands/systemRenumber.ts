export { renumber as command } from './systemMigrate.ts'
