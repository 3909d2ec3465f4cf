// Signing in, choosing a password with a one-time link, signing out. No secret goes into a URL, storage or the log.
(() => {
  'use strict';
  const byId = (id) => document.getElementById(id);
  const say = (text) => { byId('told').textContent = text; };
  const only = (id) => {
    for (const form of document.forms) form.hidden = form.id !== id;
  };

  const send = async (path, body) => {
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (answer.ok) return said;
    const error = new Error(said.errors[0].message);
    error.code = said.errors[0].extensions.code;
    throw error;
  };

  const on = (id, act) => byId(id).addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = event.target.querySelector('button');
    button.disabled = true;
    try {
      await act(event.target.elements);
    } catch (error) {
      if (error.code === 'SECOND_FACTOR') byId('code').hidden = false;
      say(error.message);
    } finally {
      button.disabled = false;
    }
  });

  const signedIn = (name) => {
    only('sign-out');
    say(`You are signed in${name ? ` as ${name}` : ''}.`);
  };

  on('sign-in', async ({ name, password, code }) => {
    await send('/auth/sign-in', { name: name.value, password: password.value, code: code.value || null });
    for (const field of [password, code]) field.value = '';
    signedIn(name.value);
  });

  on('accept', async ({ name, password, again }) => {
    if (password.value !== again.value) throw new Error('The two passwords differ.');
    await send('/auth/accept', { link, password: password.value });
    await send('/auth/sign-in', { name: name.value, password: password.value });
    link = '';
    for (const field of [password, again]) field.value = '';
    signedIn(name.value);
  });

  on('sign-out', async () => {
    await send('/auth/sign-out', {});
    only('sign-in');
    say('You are signed out.');
  });

  let link = location.hash.slice(1);
  const begin = async () => {
    if (link) {
      // Out of the address bar and the history, before anything else.
      history.replaceState(null, '', location.pathname);
      const { name } = await send('/auth/accept', { link });
      byId('accept').elements.name.value = name;
      only('accept');
      say('Choose a password of at least 12 characters.');
    } else {
      only('sign-in');
      say('Sign in with your name and password.');
    }
  };
  begin().catch((error) => say(error.message));
})();
