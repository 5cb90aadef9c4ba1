/** After a build: makes the program executable, and `npx comity` find it in a checkout as in an installation. */
import { chmodSync, existsSync, rmSync, symlinkSync } from 'node:fs'

for (const [name, file] of Object.entries({ comity: 'build/src/main.js', 'stix2-validate': 'build/src/stix/stix2-validate.js' })) {
  if (!existsSync(file)) continue
  chmodSync(file, 0o755)
  if (process.platform === 'win32' || !existsSync('node_modules/.bin')) continue
  const link = `node_modules/.bin/${name}`
  rmSync(link, { force: true })
  symlinkSync(`../../${file}`, link)
}
