/**
 * Fills forms with what a passkey says, and sends them. Each form asks for a challenge at `<its action>/options` when it is
 * used, so that a page may stay open for as long as it likes.
 * @typedef {{ sealed: string, options: any }} Ceremony
 * @typedef {{ code?: string, name?: string }} Failure
 */
const webauthn = /** @type {any} */ (globalThis).SimpleWebAuthnBrowser;

/** Before the five minutes of a challenge are over. */
const RENEWED_AFTER_MS = 4 * 60_000;

/** @param {HTMLFormElement} form @returns {Promise<Ceremony>} */
async function begin(form) {
  const answer = await fetch(`${new URL(form.action).pathname}/options`, {
    headers: { Accept: 'application/json' },
  });
  if (!answer.ok) throw new Error((await answer.json()).message);
  return answer.json();
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {string} value
 */
function fill(form, name, value) {
  const input = form.elements.namedItem(name);
  if (input instanceof HTMLInputElement) input.value = value;
}

/** @param {HTMLFormElement} form @param {boolean} isAutofill */
async function run(form, isAutofill) {
  const { sealed, options } = await begin(form);
  const credential =
    form.dataset['passkey'] === 'make'
      ? await webauthn.startRegistration({ optionsJSON: options })
      : await webauthn.startAuthentication({ optionsJSON: options, useBrowserAutofill: isAutofill });
  fill(form, 'sealed', sealed);
  fill(form, 'credential', JSON.stringify(credential));
  form.submit();
}

/** @param {unknown} error */
function explain(error) {
  const { code, name, message = '' } = /** @type {Failure & Error} */ (error);
  if (code === 'ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED')
    return 'This device has a passkey for you already.';
  if (code === 'ERROR_AUTHENTICATOR_MISSING_USER_VERIFICATION_SUPPORT')
    return 'This device cannot check that it is you, with a PIN or a fingerprint.';
  if (name === 'NotAllowedError' || name === 'AbortError') return 'No passkey was used. Try again.';
  return message || 'The passkey could not be used. Try again.';
}

/** @param {HTMLFormElement} form */
function prepare(form) {
  const problem = form.querySelector('[data-passkey-problem]');
  let isBusy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    if (problem) problem.textContent = '';
    try {
      await run(form, false);
    } catch (error) {
      if (problem) problem.textContent = explain(error);
    } finally {
      isBusy = false;
    }
  });
  form.hidden = false;
}

/**
 * Offers passkeys in the field for the username, where the browser does that.
 * @param {HTMLFormElement} form
 */
async function offerInField(form) {
  if (!(await webauthn.browserSupportsWebAuthnAutofill())) return;
  const offer = () => {
    // The next offer, a press of the button, or a user who does not want to ends it: the form is still there.
    run(form, true).catch(() => undefined);
  };
  offer();
  setInterval(offer, RENEWED_AFTER_MS);
}

const forms = [...document.querySelectorAll('form[data-passkey]')].filter(
  (form) => form instanceof HTMLFormElement,
);
if (webauthn.browserSupportsWebAuthn()) {
  for (const form of forms) {
    prepare(form);
    if (form.dataset['passkeyAutofill'] !== undefined) void offerInField(form);
  }
} else {
  for (const missing of document.querySelectorAll('[data-passkey-missing]'))
    missing.removeAttribute('hidden');
}
