// The audits of npm graphql-http against a running server: node http.mjs URL TOKEN.
// Prints one line for each audit that is not "ok", and the counts as JSON.
import { auditServer } from 'graphql-http';

const [url, token] = process.argv.slice(2);
const signedIn = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
const results = await auditServer({ url, fetchFn: signedIn });
const counts = {};
for (const result of results) {
  counts[result.status] = (counts[result.status] ?? 0) + 1;
  if (result.status !== 'ok') console.error(`${result.status} ${result.id} ${result.name}: ${result.reason}`);
}
console.log(JSON.stringify({ audits: results.length, ...counts }));
process.exitCode = counts.ok === results.length ? 0 : 1;
