// What the documents say can be done: commands are ones that exist, settings and metrics are those of the program, links lead
// somewhere. A block marked `cloud` needs an account or a cluster; its `make` targets and scripts must exist all the same.
// Runs as: BUCKETFERRY=… node --test docs.mjs
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {gunzipSync} from 'node:zlib';
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

/// What needs no cloud, and is run: by CI, by a test, or by everybody who changes something here.
const local = new Set(['demo', 'demo-service', 'test', 'build', 'check', 'fix', 'image', 'package', 'bench', 'bench-quick', 'test-compose',
                        'compose-up', 'compose-scale', 'compose-fill', 'compose-down', 'compose-logs']);

for (const page of pages) {
  describe(page, () => {
    it('names only targets of make that there are, and marks those that need a cluster', () => {
      for (const {language, line} of commands(page)) {
        for (const [, target] of line.matchAll(/\bmake ([a-z-]+)/g)) {
          assert.match(makefile, new RegExp(`^${target}:`, 'm'), line);
          assert.ok(language === 'cloud' || local.has(target), `${line}: not among what is run here, and not marked as needing a cloud`);
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

function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'ferry-deploy-'));
  try {
    work(folder);
  } finally {
    rmSync(folder, {recursive: true});
  }
}

describe('scripts/pages', () => {
  it('makes a man page of each command, with all its options, and completion for bash', () => inFolder((folder) => {
    execFileSync(join(top, 'scripts/pages'), [program, folder]);
    const list = execFileSync(program, ['--help'], {encoding: 'utf8'}).match(/^Commands:\n([\s\S]*?)\n\n/m)[1];
    const names = [...list.matchAll(/^  ([a-z]+) /gm)].map(([, name]) => name);
    assert.deepEqual(readdirSync(join(folder, 'man1')).sort(), ['bucketferry', ...names.map((name) => `bucketferry-${name}`)].map((n) => `${n}.1.gz`).sort());
    const complete = (...words) => execFileSync('bash', ['-c', '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bucketferry; echo "${COMPREPLY[@]}"',
                                                         join(folder, 'completions/bucketferry'), 'bucketferry', ...words], {encoding: 'utf8'}).trim();
    for (const name of names) {
      const page = gunzipSync(readFileSync(join(folder, `man1/bucketferry-${name}.1.gz`))).toString().replaceAll('\\-', '-');
      for (const flag of flagsOf(name)) {
        assert.ok(page.includes(flag), `${name}: ${flag}`);
        if (new RegExp(`^  (-h, )?${flag}\\b`, 'm').test(helps.get(name))) assert.ok(complete(name, flag).split(' ').includes(flag), `${name} ${flag}`);
      }
    }
    assert.equal(complete('cop'), 'copy');
    assert.equal(complete('cache', 'sh'), 'show');
  }));
});

describe('scripts/version', () => {
  it('says what git knows', () => inFolder((folder) => {
    mkdirSync(join(folder, 'scripts'));
    cpSync(join(top, 'scripts/version'), join(folder, 'scripts/version'));
    writeFileSync(join(folder, 'CMakeLists.txt'), 'project(bucketferry VERSION 0.3.0 LANGUAGES CXX)\n');
    const env = {...process.env, FERRY_VERSION: '', GIT_CEILING_DIRECTORIES: tmpdir()};
    const version = () => execFileSync(join(folder, 'scripts/version'), {encoding: 'utf8', env}).trim();
    const git = (...words) => execFileSync('git', ['-C', folder, '-c', 'user.name=n', '-c', 'user.email=e@x', ...words], {stdio: 'pipe', env});
    const commit = () => git('commit', '--quiet', '--all', '--allow-empty', '--message', 'x');
    assert.equal(version(), '0.3.0');
    git('init', '--quiet');
    git('add', '.');
    commit();
    assert.match(version(), /^0\.3\.0\+1\.g[0-9a-f]+$/);
    git('tag', 'v1.2.3');
    assert.equal(version(), '1.2.3');
    commit();
    assert.match(version(), /^1\.2\.3\+1\.g[0-9a-f]+$/);
    writeFileSync(join(folder, 'CMakeLists.txt'), '');
    assert.match(version(), /^1\.2\.3\+1\.g[0-9a-f]+\.dirty$/);
  }));
});
