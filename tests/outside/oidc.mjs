// npm oidc-provider with one client of ours, on loopback: node oidc.mjs OUR_ADDRESS. Prints its issuer and serves until it
// is killed. POST /control/rotate signs with a new key from then on; POST /control/groups sets what everybody is in.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const ours = process.argv[2];
let groups = ['desk'];
let provider;

const key = () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
};

// The grants and sessions of the built-in store outlive an instance.
const start = (issuer) => {
  provider = new Provider(issuer, {
    clients: [{
      client_id: 'lockstep',
      client_secret: 'a secret of the client',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [`${ours}/auth/oidc/real/callback`],
      post_logout_redirect_uris: [`${ours}/sign-in`],
      backchannel_logout_uri: `${ours}/auth/oidc/real/back-channel`,
      backchannel_logout_session_required: true,
    }],
    claims: { openid: ['sub', 'sid'], profile: ['name', 'preferred_username'], groups: ['groups'] },
    cookies: { keys: ['of these tests'] },
    features: { backchannelLogout: { enabled: true } },
    // Its own guard refuses loopback.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `${id} of the agency`, preferred_username: id, groups }),
    }),
    jwks: { keys: [key()] },
    scopes: ['openid', 'profile', 'groups', 'offline_access'],
    ttl: { AccessToken: 60, IdToken: 300 },
  });
  for (const event of ['backchannel.error', 'server_error']) {
    provider.on(event, (_, error) => console.error(event, error));
  }
};

const body = async (request) => {
  let text = '';
  for await (const part of request) text += part;
  return text;
};

const server = createServer(async (request, response) => {
  if (request.url === '/control/rotate') {
    start(provider.issuer);
    response.end();
  } else if (request.url === '/control/groups') {
    groups = JSON.parse(await body(request));
    response.end();
  } else {
    provider.callback()(request, response);
  }
});
server.listen(0, '127.0.0.1', () => {
  start(`http://127.0.0.1:${server.address().port}`);
  console.log(provider.issuer);
});
