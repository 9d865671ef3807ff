// What the documents say can be done: commands are ones that exist, settings and metrics are those of the program, links lead
// somewhere. A block marked `cloud` needs an account or a cluster; its `make` targets and scripts must exist all the same.
// Runs as: BUCKETFERRY=… node --test docs.mjs
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {parse} from 'yaml';

const top = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const read = (path) => readFileSync(join(top, path), 'utf8');
const program = process.env.BUCKETFERRY;
const makefile = read('Makefile');
const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(top, 'docs')).filter((f) => f.endsWith('.md')).map((f) => `docs/${f}`)];

/// Fenced blocks of a page: what follows the fence, and the lines.
function blocks(page) {
  return [...read(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({language, text}));
}

/// Shell commands of a page, with lines that go on joined, and comments and prompts taken away.
function commands(page) {
  return blocks(page)
      .filter(({language, text}) => ['', 'sh', 'cloud'].includes(language) && !/[┌│└]/.test(text))
      .flatMap(({language, text}) => text.replaceAll(/\\\n/g, ' ').split('\n').map((line) => ({language, line: line.replace(/\s+#.*$/, '').trim()})));
}

const helps = new Map();
function flagsOf(command) {
  if (!helps.has(command)) helps.set(command, execFileSync(program, [command, '--help'], {encoding: 'utf8'}));
  return new Set(helps.get(command).match(/--[a-z0-9-]+/g));
}

/// What our tests run of make. The rest is run by hand, or wants a cloud, and is marked so.
const tested = new Set(['demo', 'demo-service', 'test', 'build', 'check', 'fix', 'image', 'package', 'bench', 'test-compose',
                        'compose-up', 'compose-scale', 'compose-fill', 'compose-down', 'compose-logs']);

for (const page of pages) {
  describe(page, () => {
    it('names only targets of make that there are, and marks those that need a cluster', () => {
      for (const {language, line} of commands(page)) {
        for (const [, target] of line.matchAll(/\bmake ([a-z-]+)/g)) {
          assert.match(makefile, new RegExp(`^${target}:`, 'm'), line);
          assert.ok(language === 'cloud' || tested.has(target), `${line}: not tested, and not marked as needing a cloud`);
        }
      }
      for (const [, target] of read(page).matchAll(/`make ([a-z-]+)/g)) assert.match(makefile, new RegExp(`^${target}:`, 'm'));
    });

    it('runs only scripts that there are', () => {
      for (const [script] of read(page).matchAll(/(?<![\w/.-])(scripts|tests\/deploy)\/[a-z_-]+/g)) assert.ok(existsSync(join(top, script)), script);
    });

    it('marks tools of clouds and clusters', () => {
      for (const {language, line} of commands(page)) {
        if (/^(kubectl|minikube|kustomize|gcloud|aws|docker push)\b/.test(line)) assert.equal(language, 'cloud', line);
      }
    });

    it('gives bucketferry commands and options that it has', () => {
      for (const {line} of commands(page)) {
        const found = line.match(/^(?:\$ )?(?:\w+=\S+ )*(?:[\w/]*\/)?bucketferry (copy|verify|publisher|migrator|cache|[a-z]+)\b(.*)/);
        if (!found) continue;
        const known = flagsOf(found[1]);
        for (const flag of found[2].match(/(?<=\s)--[a-z0-9-]+/g) ?? []) assert.ok(known.has(flag), `${line}: ${flag}`);
      }
    });

    it('links to what there is', () => {
      for (const [, target] of read(page).matchAll(/\]\((?!https?:|mailto:)([^)#]+)(?:#[^)]*)?\)/g)) {
        assert.ok(existsSync(join(top, dirname(page), target)), target);
      }
    });
  });
}

describe('docs/metrics.md', () => {
  const sources = ['src/app/service_operator.cpp', 'src/app/work_report.cpp', 'src/observe/metrics.cpp'].map(read).join('\n');
  const sent = new Map([...sources.matchAll(/\b(counter|gauge)\(\s*"([a-z_]+)"/g)].map(([, type, name]) => [name, type]));
  for (const [, name] of sources.matchAll(/objects = "([a-z_]+)"/g)) sent.set(name, 'counter');
  const told = new Map([...read('docs/metrics.md').matchAll(/^\| `([a-z_]+)(?:\{\w+\})?` \| (counter|gauge) \|/gm)].map(([, name, type]) => [name, type]));

  it('names every metric of the program with its type, and no other', () => {
    assert.ok(sent.size > 20);
    assert.deepEqual([...told].sort(), [...sent].sort());
  });

  it('has what the alerts ask for, and operations.md says what to do about each', () => {
    const operations = read('docs/operations.md');
    for (const {alert, expr} of parse(read('deploy/prometheus/alerts.yaml')).groups.flatMap(({rules}) => rules)) {
      for (const name of expr.match(/ferry_[a-z_]+/g)) assert.ok(told.has(name), `${alert}: ${name}`);
      assert.ok(operations.includes(`| \`${alert}\` |`), alert);
    }
    for (const [, alert] of operations.matchAll(/`(Bucketferry\w+)`/g)) assert.ok(read('deploy/prometheus/alerts.yaml').includes(`alert: ${alert}\n`), alert);
  });
});

describe('docs/operations.md', () => {
  it('explains every reason for which an object can be in the ledger', () => {
    const reasons = [...read('src/domain/receipt.hpp').matchAll(/^\s+k\w+,\s+\/\/\/< "([a-z-]+)"/gm)].map(([, reason]) => reason);
    assert.ok(reasons.length > 8);
    for (const reason of reasons) assert.ok(read('docs/operations.md').includes(`| \`${reason}\` |`), reason);
  });
});

describe('deploy/compose', () => {
  it('names every setting of the Compose file that a person may want in .env.example', () => {
    const used = new Set([...read('deploy/compose/compose.yaml').matchAll(/\$\{([A-Z_0-9]+)/g)].map(([, name]) => name));
    const offered = new Set([...read('deploy/compose/.env.example').matchAll(/^#?([A-Z_0-9]+)=/gm)].map(([, name]) => name));
    for (const name of offered) assert.ok(used.has(name) || name.startsWith('COMPOSE_'), `${name} does nothing`);
    for (const name of ['REDIS_PASSWORD', 'SYSTEM_ADMIN_PASSWORD', 'FERRY_STATE_SECRET', 'AWS_S3_BUCKET', 'GCP_BUCKET_NAME', 'GOOGLE_KEY_FILE']) {
      assert.ok(offered.has(name), name);
    }
  });

  it('is hardened and bounded, service by service F172 F173', () => {
    const text = read('deploy/compose/compose.yaml');
    for (const [name, service] of Object.entries(parse(text, {merge: true}).services)) {
      assert.equal(service.read_only, true, name);
      assert.deepEqual(service.cap_drop, ['ALL'], name);
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
      assert.ok(service.mem_limit && service.cpus && service.pids_limit, name);
      assert.ok(service.healthcheck, name);
      assert.doesNotMatch(service.image, /:latest|^[^:]+$/, name);
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, name);
      assert.doesNotMatch(JSON.stringify([service.entrypoint ?? [], service.command ?? []]), /\$\{[A-Z_]*(PASSWORD|SECRET)/, name);
    }
  });
});

describe('deploy/docker/Dockerfile', () => {
  const lines = read('deploy/docker/Dockerfile');
  it('pins its base, and ends without root, secrets or a default that is open F172', () => {
    assert.match(lines, /^ARG BASE=debian:12-slim@sha256:[0-9a-f]{64}$/m);
    for (const [, from] of lines.matchAll(/^FROM (\S+)/gm)) assert.match(from, /^(\$\{BASE\}|scratch)$/);
    assert.match(lines, /^USER [1-9]\d*:[1-9]\d*$/m);
    assert.doesNotMatch(lines, /^(ARG|ENV) .*(PASSWORD|SECRET|TOKEN|KEY)/m);
    assert.match(lines, /^HEALTHCHECK /m);
  });
  it('lets only what is named into the build F172', () => {
    const rules = read('.dockerignore').split('\n').filter((line) => line && !line.startsWith('#'));
    assert.equal(rules[0], '*');
    for (const rule of rules.filter((line) => line.startsWith('!'))) assert.ok(existsSync(join(top, rule.slice(1))), rule);
  });
});
