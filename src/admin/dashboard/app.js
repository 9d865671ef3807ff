// The dashboard: one event stream in, a few commands out.

import { Chart } from './chart.js';
import { $, each, make, part, text } from './dom.js';
import * as f from './format.js';

const kSilence = 5_000; // milliseconds without an event: the connection counts as lost
const kReconnect = 3_000;
const kFailuresPage = 50;
const kToast = 6_000;
const kHere = location.origin; // a page that was opened as http://user:password@… can't fetch relative to itself

const kRungs = {
  md5: 'MD5 of the whole object, checked by the target',
  crc32c: 'CRC32C of the whole object, checked by the target',
  parts: 'multipart ETag, derived again from the parts',
  crc64nvme: 'stored CRC64NVME, checked in-stream',
  crc32: 'stored CRC32, checked in-stream',
  sha1: 'stored SHA-1, checked in-stream',
  sha256: 'stored SHA-256, checked in-stream',
  'crc32c-parts': 'stored CRC32C of the parts, derived again',
  'crc32-parts': 'stored CRC32 of the parts, derived again',
  'sha1-parts': 'stored SHA-1 of the parts, derived again',
  'sha256-parts': 'stored SHA-256 of the parts, derived again',
  'read-twice': 'no checksum at the source; two readings agreed',
  transport: 'no checksum at the source; what we read is what is stored',
};

const charts = {
  bytes: new Chart($('bytes-chart'), $('bytes-readout'), { label: 'Throughput', format: f.rate, binary: true, floor: 1024 }),
  objects: new Chart($('objects-chart'), $('objects-readout'), {
    label: 'Objects per second',
    format: f.objectRate,
    binary: false,
    floor: 1,
  }),
};

let status = null; // the newest
let failuresShown = kFailuresPage;
let failuresOf = ''; // the counters that the list of failures belongs to

// ---- Commands -------------------------------------------------------------------------------------------------------

let toastTimer = 0;
function say(message) {
  text($('toast'), message);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => text($('toast'), ''), kToast);
}

async function call(path, body) {
  const options = body && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(kHere + path, options);
  const value = await answer.json().catch(() => ({ msg: `status ${answer.status}` }));
  if (!answer.ok) throw new Error(value.msg);
  return { value, next: answer.headers.get('X-Next-Cursor') };
}

/** Runs a command while its button can't be pressed again; the button keeps the focus. */
async function command(button, path, body, outcome) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  try {
    say(outcome((await call(path, body)).value));
  } catch (error) {
    say(`That did not work: ${error.message}`);
  }
  button.removeAttribute('aria-disabled');
}

function togglePause() {
  const paused = status.paused;
  const outcome = paused ? 'Resumed.' : 'Paused: what is under way is finished, nothing new begins.';
  return command($('pause'), paused ? '/resume' : '/pause', {}, (value) => {
    showPaused(value.paused);
    return outcome;
  });
}

const scan = (button, audit) =>
  command(button, '/scan', { audit }, (value) => {
    const what = audit ? 'Audit' : 'Scan';
    return { started: `${what} started.`, queued: `${what} begins when the running scan ends.` }[value.scan] ?? `${what}: one is waiting already.`;
  });

async function retry(button, failures) {
  const body = {};
  for (const entry of failures ?? []) {
    const name = entry.key === undefined ? 'keys_percent_encoded' : 'keys';
    (body[name] ??= []).push(entry.key ?? entry.key_percent_encoded);
  }
  await command(button, '/failures/retry', body, ({ retried }) =>
    retried === 1 ? 'One object will be tried again.' : `${f.count(retried)} objects will be tried again.`,
  );
  await loadFailures();
}

// ---- What is shown --------------------------------------------------------------------------------------------------

function showState(state, label) {
  $('state').dataset.state = state;
  text($('state'), label);
}

function showPaused(paused) {
  status.paused = paused;
  $('pause').disabled = false;
  text($('pause'), paused ? 'Resume' : 'Pause');
  const scanning = status.scans[0]?.running;
  if (paused) showState('paused', 'Paused');
  else if (status.backlog > 0) showState('running', 'Migrating');
  else if (scanning) showState('running', 'Scanning');
  else showState('idle', 'Up to date');
}

/** What the last scan that saw the whole source counted; while the first one runs, what it has seen so far. */
function objectsInScope() {
  const finished = status.scans.find((each) => !each.running && each.outcome === 'complete');
  const seen = Math.max(finished?.listed ?? 0, status.scans[0]?.running ? status.scans[0].listed : 0);
  return Math.max(seen, status.backlog);
}

function showProgress() {
  const all = objectsInScope();
  const done = all - status.backlog;
  const share = all > 0 ? (100 * done) / all : 0;
  const counting = status.scans[0]?.running ? '; the scan is still counting' : '';
  text($('percent'), f.percent(done, all));
  text($('progress-detail'), all > 0 ? `${f.count(done)} of ${f.count(all)} objects done${counting}` : 'No objects have been seen yet.');
  $('bar-fill').style.width = `${share}%`;
  $('bar').setAttribute('aria-valuenow', share.toFixed(1));

  const left = status.seconds_left;
  text($('left'), status.backlog === 0 ? 'none' : status.paused ? 'paused' : left === undefined ? '–' : f.duration(left));
  text($('left-detail'), leftDetail(left));
}

function leftDetail(left) {
  if (status.backlog === 0) return 'nothing is waiting';
  if (status.paused) return 'resume to go on';
  if (left === undefined) return 'no estimate yet';
  return `until ${f.moment(f.seconds(status.now) + left, f.seconds(status.now))}, at this speed`;
}

function showTiles() {
  for (const [id, value] of [
    ['copied', status.copied],
    ['backlog', status.backlog],
    ['already', status.already_there],
    ['superseded', status.superseded],
    ['retried', status.retried],
    ['failed', status.failed],
    ['deleted', status.deleted],
  ]) {
    text($(id), f.count(value));
  }
  text($('copied-bytes'), f.bytes(status.copied_bytes));
  text($('backlog-bytes'), f.bytes(status.backlog_bytes));
  text($('already-detail'), status.adopted > 0 ? `${f.count(status.adopted)} by another tool` : 'needed no copy');
  $('deleted-tile').hidden = status.deleted === 0;
  $('failed-why').hidden = status.failed === 0;
  $('failed-tile').classList.toggle('bad', status.failed > 0);
}

function showTroubles(lines, title) {
  $('troubles').hidden = lines.length === 0;
  text($('troubles-title'), title);
  each($('troubles-list'), lines, (line) => line, () => make('li'), (element, line) => text(element, line));
}

function makeWorker() {
  const worker = make('details', 'worker');
  const summary = worker.appendChild(make('summary'));
  for (const name of ['name', 'busy', 'speed', 'total', 'heard']) summary.append(make('span', name));
  worker.append(make('p', 'soft about'), make('ul', 'transfers'), make('p', 'empty', 'No object is under way.'));
  return worker;
}

function showWorker(element, worker) {
  const now = f.seconds(status.now);
  const silent = now - f.seconds(worker.heard) > 30;
  element.dataset.state = silent ? 'silent' : worker.draining ? 'draining' : worker.active > 0 ? 'busy' : 'idle';
  text(part(element, 'name'), worker.name);
  text(part(element, 'busy'), worker.draining ? `draining, ${worker.active} left` : `${worker.active} of ${worker.transfers_max} busy`);
  text(part(element, 'speed'), `${f.rate(worker.bytes_per_second)} · ${f.objectRate(worker.objects_per_second)}`);
  const failed = worker.failed > 0 ? ` · ${f.count(worker.failed)} failed` : '';
  text(part(element, 'total'), `${f.count(worker.copied)} copied · ${f.bytes(worker.copied_bytes)}${failed}`);
  text(part(element, 'heard'), silent ? `silent for ${f.duration(now - f.seconds(worker.heard))}` : `up ${f.duration(now - f.seconds(worker.began))}`);
  const more = worker.active - worker.transfers.length;
  text(part(element, 'about'), `Version ${worker.version}${worker.transfers.length && more > 0 ? ` · the largest of ${f.count(worker.active)} transfers:` : ''}`);
  part(element, 'empty').hidden = worker.transfers.length > 0;
  each(part(element, 'transfers'), worker.transfers, f.keyOf, makeTransfer, (row, transfer) => showTransfer(row, transfer, now));
}

function makeTransfer() {
  const row = make('li', 'transfer');
  row.append(make('span', 'key'), make('span', 'amount'), make('progress', 'meter'));
  return row;
}

function showTransfer(row, transfer, now) {
  text(part(row, 'key'), f.keyOf(transfer));
  text(part(row, 'amount'), `${f.bytes(transfer.done)} of ${f.bytes(transfer.size)} · ${f.duration(now - f.seconds(transfer.began))}`);
  const meter = part(row, 'meter');
  meter.max = Math.max(1, transfer.size);
  meter.value = transfer.done;
  meter.setAttribute('aria-label', `Progress of ${f.keyOf(transfer)}`);
}

function showWorkers() {
  $('workers-empty').hidden = status.workers.length > 0;
  text($('workers-count'), status.workers.length ? String(status.workers.length) : '');
  each($('workers'), status.workers, (worker) => worker.name, makeWorker, showWorker);
}

function makeScan() {
  const row = make('li', 'scan');
  row.append(make('span', 'when'), make('span', 'outcome'), make('span', 'numbers'));
  return row;
}

function showScan(row, scanned) {
  const now = f.seconds(status.now);
  const began = f.seconds(scanned.began);
  const took = f.duration((scanned.ended ? f.seconds(scanned.ended) : now) - began);
  row.dataset.state = scanned.running ? 'running' : scanned.outcome === 'complete' ? 'good' : 'bad';
  text(part(row, 'when'), `${f.moment(began, now)}${scanned.audit ? ' · audit' : ''}`);
  text(part(row, 'outcome'), scanned.running ? `running for ${took}` : `${scanned.outcome} · ${took}`);
  const numbers = [`${f.count(scanned.listed)} listed (${f.bytes(scanned.listed_bytes)})`, `${f.count(scanned.published)} new or changed`];
  if (scanned.waiting > 0) numbers.push(`${f.count(scanned.waiting)} still waiting`);
  if (scanned.failed > 0) numbers.push(`${f.count(scanned.failed)} impossible`);
  if (scanned.adopted > 0) numbers.push(`${f.count(scanned.adopted)} another tool’s`);
  if (scanned.gone > 0) numbers.push(`${f.count(scanned.gone)} left the source, ${f.count(scanned.deleted)} deleted`);
  if (scanned.skipped > 0) numbers.push(`${f.count(scanned.skipped)} skipped`);
  text(part(row, 'numbers'), numbers.join(' · '));
}

function showScans() {
  const now = f.seconds(status.now);
  for (const id of ['scan', 'audit']) $(id).disabled = false;
  $('scans-empty').hidden = status.scans.length > 0;
  const next = status.next_scan && Math.max(0, f.seconds(status.next_scan) - now);
  text($('next-scan'), next === undefined ? '' : next < 1 ? 'The next one is due.' : `The next one begins in ${f.duration(next)}.`);
  each($('scans'), status.scans.slice(0, 8), (scanned) => scanned.id, makeScan, showScan);
}

function makeRung(rung) {
  const row = make('li', 'rung');
  row.append(make('span', 'name', rung[0]), make('span', 'amount'), make('span', 'meter'), make('span', 'soft what', kRungs[rung[0]] ?? ''));
  part(row, 'meter').append(make('span', 'fill'));
  return row;
}

function showRungs() {
  const rungs = Object.entries(status.rungs).filter(([, objects]) => objects > 0);
  const all = rungs.reduce((sum, [, objects]) => sum + objects, 0);
  const order = Object.keys(kRungs);
  rungs.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  $('rungs-empty').hidden = rungs.length > 0;
  each($('rungs'), rungs, ([name]) => name, makeRung, (row, [, objects]) => {
    text(part(row, 'amount'), `${f.count(objects)} · ${f.percent(objects, all)}`);
    part(row, 'fill').style.width = `${(100 * objects) / all}%`;
  });
}

function showLosses() {
  const losses = Object.entries(status.losses).filter(([, objects]) => objects > 0);
  $('losses').hidden = losses.length === 0;
  text($('losses'), `Arrived without: ${losses.map(([what, objects]) => `${what} ${f.count(objects)}`).join(', ')}`);
}

function makeFailure() {
  const row = make('li', 'failure');
  const retryOne = make('button', 'quiet', 'Retry');
  retryOne.type = 'button';
  row.append(make('span', 'reason'), make('span', 'key'), make('span', 'what'), make('span', 'soft times'), retryOne);
  return row;
}

function showFailure(row, failure) {
  const now = f.seconds(status.now);
  const button = row.querySelector('button');
  text(part(row, 'reason'), failure.reason);
  text(part(row, 'key'), f.keyOf(failure));
  text(part(row, 'what'), failure.what);
  const attempts = failure.attempts === 1 ? 'one attempt' : `${f.count(failure.attempts)} attempts`;
  text(part(row, 'times'), `${attempts}, last ${f.moment(f.seconds(failure.when), now)}`);
  button.setAttribute('aria-label', `Retry ${f.keyOf(failure)}`);
  button.onclick = () => retry(button, [failure]);
}

async function loadFailures() {
  try {
    const failures = [];
    let next = null;
    do {
      const limit = Math.min(1000, failuresShown - failures.length);
      const page = await call(`/failures?limit=${limit}${next ? `&cursor=${next}` : ''}`);
      failures.push(...page.value.failures);
      next = page.next;
    } while (next && failures.length < failuresShown);
    showFailures(failures, next !== null);
  } catch (error) {
    say(`The failures can’t be read: ${error.message}`);
    failuresOf = '';
  }
}

function showFailures(failures, more) {
  const had = $('failures').contains(document.activeElement);
  $('failures-empty').hidden = failures.length > 0;
  text($('failures-count'), failures.length ? `${f.count(failures.length)}${more ? '+' : ''}` : '');
  $('retry-all').hidden = failures.length === 0;
  $('failures-more').hidden = !more;
  const name = (failure) => `${failure.key === undefined ? '%' : '='}${failure.key ?? failure.key_percent_encoded}`;
  each($('failures-list'), failures, name, makeFailure, showFailure);
  // The button that was pressed may have gone with its entry.
  if (had && !$('failures').contains(document.activeElement)) $('failures').focus();
}

function show() {
  text($('job'), status.job);
  text($('version'), `Version ${status.version}`);
  text($('clock'), `as of ${f.clock(f.seconds(status.now))}`);
  showPaused(status.paused);
  showTroubles(status.troubles, status.troubles.length === 1 ? 'Trouble' : 'Troubles');
  showProgress();
  showTiles();
  showWorkers();
  showScans();
  showRungs();
  showLosses();
  const ledger = `${status.failed} ${status.retried} ${status.scans[0]?.failed}`;
  if (ledger !== failuresOf) {
    failuresOf = ledger;
    loadFailures();
  }
}

// ---- The event stream -----------------------------------------------------------------------------------------------

let silence = 0;
function heard() {
  clearTimeout(silence);
  silence = setTimeout(lost, kSilence);
  $('lost').hidden = true;
  document.body.classList.remove('stale');
}

function lost() {
  showState('lost', 'Not connected');
  $('lost').hidden = false;
  document.body.classList.add('stale');
}

function connect() {
  const events = new EventSource(`${kHere}/events`);
  events.addEventListener('history', ({ data }) => {
    const samples = JSON.parse(data);
    charts.bytes.load(samples.map(([second, value]) => [second, value]));
    charts.objects.load(samples.map(([second, , value]) => [second, value]));
  });
  events.addEventListener('status', ({ data }) => {
    heard();
    status = JSON.parse(data);
    const now = f.seconds(status.now);
    charts.bytes.add(now, status.bytes_per_second);
    charts.objects.add(now, status.objects_per_second);
    show();
  });
  events.addEventListener('trouble', ({ data }) => {
    heard();
    showState('lost', 'No answer');
    showTroubles([JSON.parse(data).msg], 'The publisher can’t say how things are');
  });
  events.addEventListener('error', () => {
    lost();
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, kReconnect);
  });
}

$('pause').addEventListener('click', togglePause);
$('scan').addEventListener('click', () => scan($('scan'), false));
$('audit').addEventListener('click', () => scan($('audit'), true));
$('retry-all').addEventListener('click', () => retry($('retry-all')));
$('failures-more').addEventListener('click', () => {
  failuresShown += 200;
  loadFailures();
});
connect();
