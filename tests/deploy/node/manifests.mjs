// What deploy/k8s renders to, seen by kubectl itself, by the schemas of the API versions that the manifests name, and by
// the rules that ours must keep (fault-matrix F172, F173). Runs as: node --test manifests.mjs
import assert from 'node:assert/strict';
import {execFileSync, spawnSync} from 'node:child_process';
import {chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {parseAllDocuments} from 'yaml';

const here = dirname(fileURLToPath(import.meta.url));
const top = join(here, '../../..');
const kubectl = execFileSync(join(here, '../kubectl.sh'), {encoding: 'utf8'}).trim();
const overlays = ['overlays/minikube', 'overlays/production', 'examples/keda'];
const secrets = {'admin-password': 'canary-admin-1', 'redis-password': 'canary-redis-2', 'state-secret': 'canary-state-secret-3'};
let work;

const writeSecrets = (overlay, values) =>
    writeFileSync(join(work, overlay, 'secrets.env'), Object.entries(values).map(([k, v]) => `${k}=${v}\n`).join(''));

function render(overlay) {
  const text = execFileSync(kubectl, ['kustomize', join(work, overlay)], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
  return parseAllDocuments(text).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  });
}

const named = (object) => `${object.kind}/${object.metadata.name}`;
const workloads = (objects) => objects.filter(({kind}) => ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'].includes(kind));
const podOf = (object) => object.spec.template.spec;
const containersOf = (object) => [...(podOf(object).initContainers ?? []), ...podOf(object).containers];
const find = (objects, kind, name) => objects.find((o) => o.kind === kind && o.metadata.name.replace(/-[a-z0-9]{10}$/, '') === name);

/// Where the type and the validator of an API version live in the packages.
function modelOf({apiVersion, kind}) {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const library = group.endsWith('keda.sh') ? '@kubernetes-models/keda' : 'kubernetes-models';
  return `${library}/${[group, version, kind].filter(Boolean).join('/')}`;
}

before(() => {
  work = mkdtempSync(join(tmpdir(), 'ferry-k8s-'));
  cpSync(join(top, 'deploy/k8s'), work, {recursive: true});
  for (const overlay of ['overlays/minikube', 'overlays/production']) writeSecrets(overlay, secrets);
});
after(() => rmSync(work, {recursive: true, force: true}));

for (const overlay of overlays) {
  describe(overlay, () => {
    let objects;
    before(() => { objects = render(overlay); });

    it('fits the schemas of the API versions that it names', async () => {
      for (const object of objects) {
        const model = await import(modelOf(object));
        assert.doesNotThrow(() => new model[object.kind](object).validate(), named(object));
      }
    });

    it('has no field that its API version does not know', () => {
      const folder = mkdtempSync(join(here, '.types-'));
      try {
        const source = objects.map((object, n) => `import type {I${object.kind} as I${n}} from '${modelOf(object)}';
export const o${n}: I${n} = ${JSON.stringify(object)};`);
        writeFileSync(join(folder, 'objects.ts'), source.join('\n'));
        const options = ['--noEmit', '--strict', '--skipLibCheck', '--moduleResolution', 'node', '--target', 'es2022'];
        const checked = spawnSync(process.execPath, [join(here, 'node_modules/typescript/bin/tsc'), ...options, join(folder, 'objects.ts')],
                                  {encoding: 'utf8'});
        assert.equal(checked.status, 0, checked.stdout);
      } finally {
        rmSync(folder, {recursive: true});
      }
    });

    it('keeps the restricted pod profile, and drops everything else, too F172 F173', () => {
      assert.equal(find(objects, 'Namespace', 'bucketferry').metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted');
      assert.ok(workloads(objects).length >= 2);
      for (const object of workloads(objects)) {
        const pod = podOf(object);
        const at = named(object);
        for (const shared of ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace']) assert.ok(!pod[shared], `${at}: ${shared}`);
        assert.equal(pod.automountServiceAccountToken, false, at);
        assert.equal(pod.securityContext.runAsNonRoot, true, at);
        assert.ok(pod.securityContext.runAsUser > 0 && pod.securityContext.runAsGroup > 0, at);
        assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault', at);
        for (const volume of pod.volumes ?? []) assert.ok(!volume.hostPath, `${at}: ${volume.name}`);
        for (const container of containersOf(object)) {
          assert.equal(container.securityContext.readOnlyRootFilesystem, true, at);
          assert.equal(container.securityContext.allowPrivilegeEscalation, false, at);
          assert.ok(!container.securityContext.privileged, at);
          assert.deepEqual(container.securityContext.capabilities, {drop: ['ALL']}, at);
          for (const port of container.ports ?? []) assert.equal(port.hostPort, undefined, at);
        }
      }
    });

    it('has probes, requests and limits F173', () => {
      for (const object of workloads(objects)) {
        for (const container of podOf(object).containers) {
          assert.ok(container.livenessProbe, `${named(object)}: liveness`);
          assert.ok(container.readinessProbe, `${named(object)}: readiness`);
          for (const what of ['cpu', 'memory']) assert.ok(container.resources.requests[what], `${named(object)}: ${what}`);
          assert.ok(container.resources.limits.memory, `${named(object)}: limit`);
        }
      }
    });

    it('names every image by a version or a digest, never latest F172', () => {
      for (const object of workloads(objects)) {
        for (const {image} of containersOf(object)) {
          assert.match(image, /(@sha256:[0-9a-f]{64}|:[\w][\w.-]*)$/, named(object));
          assert.doesNotMatch(image, /:latest$/, named(object));
          if (overlay !== 'overlays/minikube') assert.match(image, /@sha256:/, named(object));
        }
      }
    });

    it('keeps secrets in Secrets only, and off command lines F173', () => {
      for (const object of objects) {
        if (object.kind === 'Secret') continue;
        const text = JSON.stringify(object);
        for (const value of Object.values(secrets)) {
          assert.ok(!text.includes(value) && !text.includes(Buffer.from(value).toString('base64')), named(object));
        }
        for (const container of workloads([object]).flatMap(containersOf)) {
          assert.doesNotMatch([...(container.command ?? []), ...(container.args ?? [])].join(' '), /--requirepass|-a \$|password=/, named(object));
          for (const {name, value} of container.env ?? []) {
            if (/PASSWORD|SECRET/.test(name) && !name.endsWith('_FILE')) assert.equal(value, undefined, `${named(object)}: ${name}`);
          }
        }
      }
    });

    it('lets nothing talk to anything but what is said F173', () => {
      const policies = objects.filter(({kind}) => kind === 'NetworkPolicy');
      const nothing = find(policies, 'NetworkPolicy', 'nothing').spec;
      assert.deepEqual(nothing, {podSelector: {}, policyTypes: ['Ingress', 'Egress']});
      for (const policy of policies) {
        for (const rule of policy.spec.ingress ?? []) {
          assert.ok(rule.from?.length && rule.ports?.length, named(policy));
          for (const from of rule.from) assert.ok(!from.ipBlock && !(from.podSelector && !Object.keys(from.podSelector).length), named(policy));
        }
        for (const rule of policy.spec.egress ?? []) assert.ok(rule.to?.length && rule.ports?.length, named(policy));
      }
      for (const service of objects.filter(({kind}) => kind === 'Service')) {
        assert.ok(['ClusterIP', undefined].includes(service.spec.type), named(service));
      }
      for (const ingress of objects) assert.notEqual(ingress.kind, 'Ingress');
    });

    it('has selectors that find the pods they mean', () => {
      const labels = workloads(objects).map((object) => object.spec.template.metadata.labels);
      const finds = (selector) => labels.some((have) => Object.entries(selector).every(([k, v]) => have[k] === v));
      for (const object of objects) {
        if (object.kind === 'Service') assert.ok(finds(object.spec.selector), named(object));
        if (object.kind === 'PodDisruptionBudget') assert.ok(finds(object.spec.selector.matchLabels), named(object));
        if (object.kind === 'NetworkPolicy') assert.ok(finds(object.spec.podSelector.matchLabels ?? {}), named(object));
        if (workloads([object]).length) assert.ok(finds(object.spec.selector.matchLabels), named(object));
      }
    });

    it('spreads the migrators and lets few of them go at once', () => {
      const migrator = podOf(find(objects, 'Deployment', 'migrator'));
      assert.deepEqual(migrator.topologySpreadConstraints.map((c) => c.topologyKey), ['topology.kubernetes.io/zone', 'kubernetes.io/hostname']);
      assert.ok(migrator.terminationGracePeriodSeconds > 30, 'longer than the grace time of a migrator');
      assert.ok(find(objects, 'PodDisruptionBudget', 'migrator'));
      assert.ok(find(objects, 'PodDisruptionBudget', 'publisher'));
    });

    it('belongs to components that scripts/minikube knows', () => {
      for (const object of objects) {
        assert.match(object.metadata.labels['app.kubernetes.io/component'] ?? '',
                     /^(settings|pubsub|redis|sandbox|migrator|publisher)$/, named(object));
      }
    });

    it('rolls out anew when a setting or a secret changes', () => {
      const names = (list) => ['settings', 'secrets'].map((name) => list.find((o) =>
          ['ConfigMap', 'Secret'].includes(o.kind) && o.metadata.name.startsWith(`${name}-`)).metadata.name);
      const was = names(objects);
      for (const place of ['overlays/minikube', 'overlays/production']) writeSecrets(place, {...secrets, 'admin-password': 'another-one'});
      const now = render(overlay);
      for (const place of ['overlays/minikube', 'overlays/production']) writeSecrets(place, secrets);
      assert.equal(names(now)[0], was[0]);
      assert.notEqual(names(now)[1], was[1]);
      for (const name of ['publisher', 'migrator']) {
        assert.ok(JSON.stringify(podOf(find(now, 'Deployment', name))).includes(names(now)[1]), name);
      }
    });
  });
}

describe('overlays/minikube', () => {
  it('gives Redis a volume', () => {
    const redis = find(render('overlays/minikube'), 'StatefulSet', 'redis');
    assert.equal(redis.spec.volumeClaimTemplates.length, 1);
    assert.equal(redis.spec.template.spec.containers[0].volumeMounts.find(({name}) => name === 'data').mountPath, '/data');
  });
});

describe('overlays/production', () => {
  it('has no static keys, but an identity on both sides', () => {
    const objects = render('overlays/production');
    const settings = find(objects, 'ConfigMap', 'settings').data;
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'GOOGLE_APPLICATION_CREDENTIALS', 'GCP_CREDENTIALS']) {
      assert.equal(settings[name], undefined, name);
    }
    for (const name of ['publisher', 'migrator']) {
      assert.ok(find(objects, 'ServiceAccount', name).metadata.annotations['iam.gke.io/gcp-service-account'], name);
      const pod = podOf(find(objects, 'Deployment', name));
      const token = pod.volumes.find((volume) => volume.name === 'aws-token').projected.sources[0].serviceAccountToken;
      assert.equal(token.audience, 'sts.amazonaws.com');
      const mount = pod.containers[0].volumeMounts.find((volume) => volume.name === 'aws-token');
      assert.equal(`${mount.mountPath}/${token.path}`, settings.AWS_WEB_IDENTITY_TOKEN_FILE);
    }
    assert.match(settings.REDIS_ADDRESS, /^rediss:/, 'TLS');
  });

  it('scales migrators by backlog, and leaves their number to the autoscaler', () => {
    const objects = render('overlays/production');
    const autoscaler = find(objects, 'HorizontalPodAutoscaler', 'migrator');
    assert.equal(autoscaler.apiVersion, 'autoscaling/v2');
    assert.equal(autoscaler.spec.metrics[0].type, 'External');
    assert.equal(find(objects, 'Deployment', 'migrator').spec.replicas, undefined);
    const subscription = autoscaler.spec.metrics[0].external.metric.selector.matchLabels['resource.labels.subscription_id'];
    assert.equal(subscription, find(objects, 'ConfigMap', 'settings').data.GCP_SUBSCRIPTION_ID);
  });
});

describe('examples/keda', () => {
  it('scales with KEDA alone, by the form of the trigger that is current', () => {
    const objects = render('examples/keda');
    assert.equal(objects.filter(({kind}) => kind === 'HorizontalPodAutoscaler').length, 0);
    const {metadata} = find(objects, 'ScaledObject', 'migrator').spec.triggers[0];
    assert.deepEqual(Object.keys(metadata).sort(), ['activationValue', 'mode', 'subscriptionName', 'value']);
    assert.equal(metadata.mode, 'SubscriptionSize');
  });
});

describe('scripts/minikube', () => {
  it('makes passwords, and brings up the four parts in order, waiting for each', () => {
    const place = mkdtempSync(join(tmpdir(), 'ferry-mk-'));
    try {
      for (const folder of ['scripts', 'deploy/k8s', 'bin']) mkdirSync(join(place, folder), {recursive: true});
      cpSync(join(top, 'scripts/minikube'), join(place, 'scripts/minikube'));
      cpSync(join(top, 'deploy/k8s'), join(place, 'deploy/k8s'), {recursive: true, filter: (file) => !file.endsWith('secrets.env')});
      for (const tool of ['kubectl', 'minikube', 'docker']) {
        writeFileSync(join(place, 'bin', tool), `#!/bin/sh\necho ${tool} "$@" >> ${place}/calls\n`);
        chmodSync(join(place, 'bin', tool), 0o755);
      }
      execFileSync(join(place, 'scripts/minikube'), ['up'], {env: {PATH: `${place}/bin:${process.env.PATH}`}, stdio: 'pipe'});
      const calls = readFileSync(join(place, 'calls'), 'utf8').trim().split('\n');
      const waits = calls.filter((call) => call.includes('rollout status')).map((call) => call.match(/status (\S+)/)[1]);
      assert.deepEqual(waits, ['deployment/pubsub', 'statefulset/redis', 'deployment/sandbox', 'deployment/migrator', 'deployment/publisher']);
      for (const call of calls.filter((c) => c.startsWith('kubectl'))) assert.match(call, /--context minikube /, 'no other cluster is touched');
      assert.match(readFileSync(join(place, 'deploy/k8s/overlays/minikube/secrets.env'), 'utf8'),
                   /^admin-password=\w{32}\nredis-password=\w{32}\nstate-secret=\w{32}\n$/);
    } finally {
      rmSync(place, {recursive: true});
    }
  });
});
