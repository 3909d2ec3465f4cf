// Signing in, choosing a password with a one-time link, adding a second factor, signing out. No secret goes into a URL, storage or the log.
(() => {
  'use strict';
  const byId = (id) => document.getElementById(id);
  const say = (text, wrong = false) => {
    byId('told').textContent = text;
    byId('told').classList.toggle('wrong', wrong);
  };
  const only = (...ids) => {
    for (const form of document.forms) form.hidden = !ids.includes(form.id);
  };

  const ask = async (path, options) => {
    const answer = await fetch(path, options);
    const said = await answer.json();
    if (answer.ok) return said;
    const error = new Error(said.errors[0].message);
    error.code = said.errors[0].extensions.code;
    throw error;
  };
  const send = (path, body) => ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

  const on = (id, act) => byId(id).addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = event.target.querySelector('button');
    button.disabled = true;
    try {
      await act(event.target.elements);
    } catch (error) {
      if (error.code === 'SECOND_FACTOR') byId('code').hidden = false;
      say(error.message, error.code !== 'SECOND_FACTOR');
    } finally {
      button.disabled = false;
    }
  });

  const signedIn = async () => {
    const { name, secondFactor } = await ask('/auth/session');
    const as = `You are signed in as ${name}`;
    if (secondFactor === false) {
      only('add', 'sign-out');
      say(`${as}, with a password alone. A second factor keeps out who learns it.`);
    } else {
      only('sign-out');
      say(`${as}.`);
    }
  };

  on('add', async ({ password }) => {
    const { secret } = await send('/auth/second-factor', { do: 'begin', password: password.value });
    password.value = '';
    byId('confirm').elements.secret.textContent = secret.match(/.{1,4}/g).join(' ');
    only('confirm', 'sign-out');
    say('It is asked for once you have confirmed it.');
  });

  on('confirm', async ({ code, secret }) => {
    const { recoveryCodes } = await send('/auth/second-factor', { do: 'confirm', code: code.value });
    [code.value, secret.textContent] = ['', ''];
    byId('codes').elements.list.textContent = recoveryCodes.join('\n');
    only('codes');
    say('The second factor is asked for from now on.');
  });

  on('codes', async ({ list }) => {
    list.textContent = '';
    await signedIn();
  });

  on('sign-in', async ({ name, password, code }) => {
    await send('/auth/sign-in', { name: name.value, password: password.value, code: code.value || null });
    for (const field of [password, code]) field.value = '';
    await signedIn();
  });

  on('accept', async ({ name, password, again }) => {
    if (password.value !== again.value) throw new Error('The two passwords differ.');
    await send('/auth/accept', { link, password: password.value });
    await send('/auth/sign-in', { name: name.value, password: password.value });
    link = '';
    for (const field of [password, again]) field.value = '';
    await signedIn();
  });

  on('sign-out', async () => {
    const { goto } = await send('/auth/sign-out', {});
    only('sign-in');
    say('You are signed out.');
    // And out of the provider that vouched.
    if (goto) location.assign(goto);
  });

  // What became of signing in with a provider, by the code that it came back with.
  const REFUSED = {
    again: 'That took too long, or was answered twice. Try again.',
    denied: 'The provider did not sign you in.',
    'not-believed': 'The answer of the provider could not be believed. Tell your administrator.',
    'no-role': 'You are in no group that may use Lockstep. Ask your agency.',
    disabled: 'Your account is disabled. Ask your administrator.',
    unavailable: 'The provider does not answer now. Try again in a while, or sign in another way.',
    wait: 'Too many attempts. Wait a while, then try again.',
    failed: 'It did not work. Tell your administrator.',
  };

  const offer = (providers) => {
    const box = byId('providers');
    for (const { name, label } of providers) {
      const button = document.createElement('a');
      button.href = `/auth/oidc/${name}`;
      button.textContent = label;
      box.append(button);
    }
    box.hidden = providers.length === 0;
  };

  const hash = location.hash.slice(1);
  let link = location.pathname === '/accept' ? hash : '';
  const begin = async () => {
    // Out of the address bar and the history, before anything else.
    if (hash) history.replaceState(null, '', location.pathname);
    if (link) {
      const { name } = await send('/auth/accept', { link });
      byId('accept').elements.name.value = name;
      only('accept');
      say('Choose a password of at least 12 characters.');
    } else {
      const [{ name }, providers] = await Promise.all([ask('/auth/session'), ask('/auth/providers')]);
      offer(providers);
      if (name) {
        await signedIn();
        return;
      }
      const [code, provider] = hash.split(':');
      const asked = providers.find((known) => known.name === provider);
      const refused = Boolean(asked) && Object.hasOwn(REFUSED, code);
      only('sign-in');
      say(refused ? `${asked.label}: ${REFUSED[code]}` : 'Sign in with your name and password.', refused);
    }
  };
  begin().catch((error) => say(error.message, true));
})();
