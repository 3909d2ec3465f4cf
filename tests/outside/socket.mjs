// Flows of npm graphql-ws, and of the bare protocol, against a running server: node socket.mjs WS_URL TOKEN.
// With a third word, listens to that subscription (JSON of query and variables) and prints events as they come.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import assert from 'node:assert/strict';

const [url, token, listen] = process.argv.slice(2);
const authorization = `Bearer ${token}`;

const client = (connectionParams, more = {}) =>
  createClient({ url, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0, ...more });

const all = (client, payload, most = Infinity) =>
  new Promise((resolve, reject) => {
    const seen = [];
    const stop = client.subscribe(payload, {
      next: (value) => {
        seen.push(value);
        if (seen.length >= most) stop();
      },
      error: reject,
      complete: () => resolve(seen),
    });
  });

// A bare socket: what it says, and how it is closed.
const bare = (script, protocols = ['graphql-transport-ws']) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols);
    const said = [];
    socket.on('open', () => script(socket, said));
    socket.on('message', (data) => {
      said.push(JSON.parse(data));
      script(socket, said);
    });
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason), said }));
    socket.on('error', reject);
  });
const say = (socket, message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
const once = (messages) => {
  let sent = false;
  return (socket, said) => {
    if (!sent) {
      sent = true;
      for (const message of messages) say(socket, message);
    }
  };
};

// A greeting that is answered.
const init = { type: 'connection_init', payload: { Authorization: authorization } };

const flows = {
  async 'a query, a mutation and an error are answered'() {
    const one = client({ authorization });
    assert.deepEqual(await all(one, { query: '{ __typename }' }), [{ data: { __typename: 'Query' } }]);
    const query = 'query T($n: String!) { __type(name: $n) { name } }';
    const [answer] = await all(one, { query, variables: { n: 'Query' }, operationName: 'T' });
    assert.deepEqual(answer, { data: { __type: { name: 'Query' } } });
    const [failed] = await all(one, { query: '{ task(id: "tsk_nothing") { id } }' });
    assert.equal(failed.errors[0].extensions.code, 'NOT_FOUND');
    await one.dispose();
  },
  async 'a refused document is an error, and the socket stays'() {
    const one = client({ authorization });
    for (const query of ['{', '{ nothing }', 'query ($n: Int!) { observables(first: $n) { totalCount } }']) {
      const errors = await all(one, { query }).catch((errors) => errors);
      assert.ok(Array.isArray(errors) && errors[0].extensions.code, query);
    }
    assert.equal((await all(one, { query: '{ __typename }' })).length, 1);
    await one.dispose();
  },
  async 'many operations share a socket'() {
    const one = client({ authorization });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => all(one, { query: `{ a${n}: __typename }` })),
    );
    answers.forEach(([answer], n) => assert.equal(answer.data[`a${n}`], 'Query'));
    await one.dispose();
  },
  async 'nobody is refused'() {
    const close = await all(client({}), { query: '{ __typename }' }).catch((error) => error);
    assert.equal(close.code, 4403);
  },
  async 'a wrong token is refused'() {
    const one = client({ authorization: 'Bearer lks_wrong' });
    const close = await all(one, { query: '{ __typename }' }).catch((error) => error);
    assert.equal(close.code, 4403);
  },
  async 'what is no message closes with 4400'() {
    for (const message of ['{', '[]', '{}', '{"type":"nothing"}', '{"type":"subscribe"}', '{"type":"complete"}']) {
      const { code } = await bare(once([init, message]));
      assert.equal(code, 4400, message);
    }
    const { code } = await bare(once([{ type: 'connection_init', payload: 'no object' }]));
    assert.equal(code, 4400);
  },
  async 'a subscription before the greeting closes with 4401'() {
    const { code } = await bare(once([{ type: 'subscribe', id: '1', payload: { query: '{ __typename }' } }]));
    assert.equal(code, 4401);
  },
  async 'no greeting closes with 4408'() {
    const { code } = await bare(() => {});
    assert.equal(code, 4408);
  },
  async 'the same id twice closes with 4409'() {
    const subscription = 'subscription { observableChanged { cursor } }';
    const subscribe = { type: 'subscribe', id: '1', payload: { query: subscription } };
    const { code } = await bare(once([init, subscribe, subscribe]));
    assert.equal(code, 4409);
  },
  async 'a second greeting closes with 4429'() {
    const { code } = await bare(once([init, init]));
    assert.equal(code, 4429);
  },
  async 'another protocol closes with 4406'() {
    const { code } = await bare(() => {}, []);
    assert.equal(code, 4406);
  },
  async 'a message over the limit closes with 1009'() {
    const { code } = await bare(once([{ type: 'ping', payload: { text: 'x'.repeat((2 << 20) + 1024) } }]));
    assert.equal(code, 1009);
  },
  async 'a ping is answered, before the greeting and after'() {
    const { said } = await bare((socket, said) => {
      if (said.length === 0) say(socket, { type: 'ping', payload: { n: 1 } });
      if (said.length === 1) say(socket, init);
      if (said.length === 2) say(socket, { type: 'ping' });
      if (said.length === 3) socket.close();
    });
    assert.deepEqual(said, [{ type: 'pong', payload: { n: 1 } }, { type: 'connection_ack' }, { type: 'pong' }]);
  },
  async 'a subscription that is completed says nothing more, and its id is free'() {
    const query = 'subscription { observableChanged { cursor } }';
    const { said } = await bare((socket, said) => {
      if (said.length === 0) say(socket, init);
      if (said.length === 1) {
        say(socket, { type: 'subscribe', id: 'a', payload: { query } });
        say(socket, { type: 'complete', id: 'a' });
        say(socket, { type: 'subscribe', id: 'a', payload: { query: '{ __typename }' } });
      }
      if (said.some((message) => message.type === 'complete')) socket.close();
    });
    assert.deepEqual(said.slice(1).map((message) => message.type), ['next', 'complete']);
  },
};

if (listen) {
  const one = client({ authorization });
  one.subscribe(JSON.parse(listen), {
    next: (value) => console.log(JSON.stringify(value)),
    error: (error) => {
      console.log(JSON.stringify({ failed: error.code ?? error }));
      process.exit(1);
    },
    complete: () => process.exit(0),
  });
} else {
  const results = await Promise.all(
    Object.entries(flows).map(async ([name, flow]) => {
      try {
        await flow();
        return true;
      } catch (error) {
        console.error(`FAILED ${name}: ${error?.stack ?? `${error?.code} ${error?.reason} ${JSON.stringify(error)}`}`);
        return false;
      }
    }),
  );
  console.log(JSON.stringify({ flows: results.length, passed: results.filter(Boolean).length }));
  process.exit(results.every(Boolean) ? 0 : 1);
}
