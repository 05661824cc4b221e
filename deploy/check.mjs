// Checks docker-compose.yml without a container engine: against the Compose specification's schema, and against what this project promises
// (one service by default, no password in it, nothing published beyond loopback, limits that fit the roles). Run by deploy/check.sh.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const linter = createRequire(import.meta.url).resolve('dclint/package.json')
// The schema, and the parsers it was made for, come with the linter.
const require = createRequire(linter)
const YAML = require('yaml')
const Ajv = require('ajv').default
const schema = JSON.parse(readFileSync(join(dirname(linter), 'schemas/compose.schema.json'), 'utf8'))

const text = readFileSync('docker-compose.yml', 'utf8')
const faults = []
const fault = (where, what) => faults.push(`${where}: ${what}`)

const document = YAML.parseDocument(text, { merge: true, uniqueKeys: true })
for (const error of [...document.errors, ...document.warnings]) fault('docker-compose.yml', error.message)
const file = document.toJS({ maxAliasCount: 10_000 })

// Written in a form of draft 7's name that ajv does not know; draft 7 is what it assumes.
delete schema.$schema
const validate = new Ajv({ allErrors: true, strict: false, validateFormats: false }).compile(schema)
if (!validate(file)) for (const error of validate.errors) fault(error.instancePath || '/', `${error.message} ${JSON.stringify(error.params)}`)

const services = Object.entries(file.services)
const profiles = [...new Set(services.flatMap(([, service]) => service.profiles ?? []))]
const names = list => (Array.isArray(list) ? list.map(entry => entry.source ?? entry) : Object.keys(list ?? {}))

// By default one service; each profile complete in itself.
const always = services.filter(([, service]) => !service.profiles).map(([name]) => name)
if (always.join() !== 'footfall') fault('services', `without a profile there must be footfall alone, found ${always}`)
for (const profile of ['dev', 'cluster']) if (!profiles.includes(profile)) fault('services', `no profile ${profile}`)
for (const [name, service] of services) {
  for (const needed of names(service.depends_on)) {
    const other = file.services[needed]
    if (!other) { fault(name, `depends on ${needed}, which there is not`); continue }
    for (const profile of service.profiles ?? [undefined]) {
      if (other.profiles && !other.profiles.includes(profile)) fault(name, `depends on ${needed}, which is not in profile ${profile}`)
    }
    if (service.depends_on[needed].condition === 'service_healthy' && (!other.healthcheck || other.healthcheck.disable)) {
      fault(name, `waits for the health of ${needed}, which has no check`)
    }
  }
}

// What is named exists, and what exists is used.
for (const kind of ['networks', 'volumes', 'secrets']) {
  const used = new Set()
  for (const [name, service] of services) {
    const named = kind === 'volumes' ? (service.volumes ?? []).map(entry => entry.split(':')[0]) : names(service[kind])
    for (const entry of named) {
      if (kind === 'volumes' && entry.startsWith('.')) {
        if (!existsSync(entry)) fault(name, `mounts ${entry}, which there is not`)
        continue
      }
      used.add(entry)
      if (!(entry in file[kind])) fault(name, `${kind}: ${entry} is not declared`)
    }
  }
  for (const entry of Object.keys(file[kind])) if (!used.has(entry)) fault(kind, `${entry} is not used`)
}

// No password in the file: secrets are files, and settings are known ones.
const reference = readFileSync('docs/reference/configuration.md', 'utf8')
const environment = service =>
  Array.isArray(service.environment) ? service.environment.map(pair => pair.split(/=(.*)/s)) : Object.entries(service.environment ?? {})
for (const [name, service] of services) {
  for (const [variable, value] of environment(service)) {
    if (/PASSWORD|SECRET|TOKEN/.test(variable) && !variable.endsWith('_FILE')) fault(name, `${variable} belongs into a file`)
    if (/:\/\/[^/]*:[^/]*@/.test(String(value))) fault(name, `${variable} holds a password`)
    if (/_FILE$/.test(variable) && !names(service.secrets).includes(String(value).replace('/run/secrets/', ''))) {
      fault(name, `${variable} names ${value}, which is no secret of this service`)
    }
    const setting = variable.replace(/_FILE$/, '')
    if (String(service.image).includes('footfall:') && !reference.includes(`\`${setting}\``)) fault(name, `${setting} is not a setting`)
  }
  for (const port of service.ports ?? []) if (!String(port).startsWith('127.0.0.1:')) fault(name, `port ${port} is open to everyone`)
  if (!/:[\w.-]+\}?$/.test(service.image ?? '') || /:latest/.test(service.image)) fault(name, `image ${service.image} has no version`)
  if (!service.healthcheck) fault(name, 'has no health check')
  if (service.build && !existsSync(join(service.build.context ?? '.', service.build.dockerfile ?? 'Dockerfile'))) fault(name, 'has no Dockerfile')
}
if (!file.networks.stores?.internal) fault('networks', 'the stores are reachable from outside')

// Requests and limits: milli-CPUs and MiB, within what each role may ask for.
const cpu = value => Math.round(Number(value) * 1000)
const mebibytes = value => ({ M: 1, G: 1024 })[value.at(-1)] * Number.parseFloat(value)
const bounds = { collector: [100, 1000, 128, 512], processor: [200, 2000, 256, 1024], web: [150, 2000, 320, 1024] }
for (const [name, [least, most, small, large]] of Object.entries(bounds)) {
  const { reservations, limits } = file.services[name].deploy.resources
  const found = [cpu(reservations.cpus), cpu(limits.cpus), mebibytes(reservations.memory), mebibytes(limits.memory)]
  if (found.join() !== [least, most, small, large].join()) fault(name, `resources are ${found}, wanted ${[least, most, small, large]}`)
  if ((file.services[name].deploy.replicas ?? 1) < 2) fault(name, 'there should be two')
}

// One command makes every secret, and running it again changes none.
const folder = mkdtempSync(join(tmpdir(), 'footfall-secrets-'))
try {
  cpSync('deploy/secrets.sh', join(folder, 'secrets.sh'))
  const made = join(folder, 'made-by-secrets.sh')
  const contents = () => readdirSync(made).map(name => [name, readFileSync(join(made, name), 'utf8')])
  execFileSync(join(folder, 'secrets.sh'))
  const first = contents()
  execFileSync(join(folder, 'secrets.sh'))
  if (JSON.stringify(first) !== JSON.stringify(contents())) fault('deploy/secrets.sh', 'a second run changes secrets')
  if (new Set(first.map(([, value]) => value)).size !== first.length) fault('deploy/secrets.sh', 'two secrets are the same')
  if (statSync(made).mode & 0o077) fault('deploy/secrets.sh', 'the folder of secrets is open to others')
  for (const [name, secret] of Object.entries(file.secrets)) {
    const wanted = secret.file.replace('./deploy/made-by-secrets.sh/', '')
    if (!existsSync(join(made, wanted))) fault(name, `deploy/secrets.sh does not make ${secret.file}`)
  }
} finally {
  rmSync(folder, { recursive: true })
}

// ClickHouse's files name the servers that there are.
for (const path of ['cluster', 'keeper'].map(name => `deploy/clickhouse/${name}.xml`)) {
  for (const [, host] of readFileSync(path, 'utf8').matchAll(/<host(?:name)?>([^<]+)</g)) {
    if (!file.services[host]) fault(path, `${host} is no service`)
  }
}

for (const line of faults) console.error(line)
if (faults.length > 0) process.exit(1)
console.log(`docker-compose.yml: ${services.length} services, profiles ${profiles.join(' and ')}: as promised`)
