// What a program does with the npm package nrepl-client. Arguments: a port, and the path of
// sample.clj. Prints what was seen, one line for each step.
const fs = require('fs');
const nrepl = require('nrepl-client');

const [port, sample] = process.argv.slice(2);
const connection = nrepl.connect({ host: '127.0.0.1', port: Number(port) });
const arrived = new Map();

// The package takes any status for the end, so the messages of a request are gathered here.
connection.messageStream.on('messageSequence', (id, messages) => {
  const waiting = arrived.get(id);
  if (!waiting) return;
  waiting.messages.push(...messages);
  waiting.look();
});

let last = 0;

function send(message) {
  const id = `js-${++last}`;
  const waiting = { messages: [], look() {} };
  arrived.set(id, waiting);
  connection.send({ ...message, id });
  const until = (is) => new Promise((resolve) => {
    waiting.look = () => { if (is(waiting.messages)) resolve(waiting.messages); };
    waiting.look();
  });
  const statuses = (messages) => messages.flatMap((message) => message.status || []);
  return { first: () => until((all) => all.length > 0), end: () => until((all) => statuses(all).includes('done')) };
}

const ask = (message) => send(message).end();
const pick = (messages, key) => messages.map((message) => message[key]).filter((seen) => seen !== undefined);
const words = (messages) => [...new Set(pick(messages, 'status').flat())].sort().join(' ');
const tell = (step, seen) => console.log(`${step}: ${seen}`);

async function play() {
  const session = pick(await ask({ op: 'clone' }), 'new-session')[0];
  const evaluate = (code) => ask({ op: 'eval', code, session });
  tell('eval', pick(await evaluate('(+ 40 2)'), 'value').join(' '));
  tell('throw', pick(await evaluate('(/ 1 0)'), 'ex')[0]);
  const file = fs.readFileSync(sample, 'utf8');
  const loaded = await ask({ op: 'load-file', file, 'file-path': sample, 'file-name': 'sample.clj', session });
  tell('load', pick(loaded, 'value').join(' '));
  tell('loaded', pick(await evaluate('(client.sample/twice 21)'), 'value').join(' '));
  const completed = await ask({ op: 'completions', prefix: 'twi', ns: 'client.sample', session });
  tell('complete', pick(completed, 'completions').flat().map((one) => one.candidate).join(' '));
  const found = await ask({ op: 'lookup', sym: 'twice', ns: 'client.sample', session });
  tell('lookup', pick(found, 'info')[0].doc);
  const sleeping = send({ op: 'eval', code: '(do (println :sleeps) (Thread/sleep 60000))', session });
  // Until it has printed there may be nothing to interrupt.
  await sleeping.first();
  await ask({ op: 'interrupt', session });
  tell('interrupt', words(await sleeping.end()));
  tell('after', pick(await evaluate('(+ 1 1)'), 'value').join(' '));
  tell('close', words(await ask({ op: 'close', session })));
  connection.end();
}

play().catch((failed) => {
  console.error(failed);
  process.exit(1);
});
