const KEY = 'curfew-kept-text';
/** Of the form that was sent last: until the next page shows whether it was taken. */
const SENT_KEY = 'curfew-sent-text';
const KEPT_MS = 12 * 60 * 60_000;
const TEXT_TYPES = new Set([
  'text',
  'search',
  'email',
  'url',
  'tel',
  'number',
  'date',
  'time',
  'datetime-local',
]);

/**
 * What was typed in a form that was not taken, in this tab alone. Another person who signs in here does not get it.
 * `isSent`: the password was asked for first, so it goes back without a question.
 * @typedef {{ name: string, index: number, value: string, checked: boolean }} KeptField
 * @typedef {{ user: string, path: string, at: number, fields: readonly KeptField[], isSent?: boolean }} KeptText
 */

/** Keeps what was typed and not sent, but no secret: password fields, and the fields that sign people in, are left out. */
export function keepText() {
  const typed = typedText();
  if (typed !== undefined) write(KEY, typed);
}

/** Notes what is being sent: the page that asks for the password first does not take it. */
export function noteSentText() {
  const typed = typedText();
  if (typed === undefined) forget(SENT_KEY);
  else write(SENT_KEY, { ...typed, isSent: true });
}

/** Offers what was kept for this page, or puts it back where its user was only asked for the password. */
export function offerKeptText() {
  settleSentText();
  const kept = read(KEY);
  if (kept === undefined) return;
  if (kept.user !== currentUser() || Date.now() - kept.at > KEPT_MS) return forget(KEY);
  if (kept.isSent) tellThatItIsKept();
  if (kept.path !== location.pathname) return;
  if (kept.isSent) putBack(kept);
  else offer(kept);
}

function tellThatItIsKept() {
  const [kept, notKept] = ['[data-kept-note]', '[data-not-kept]'].map((note) => document.querySelector(note));
  if (!(kept instanceof HTMLElement) || !(notKept instanceof HTMLElement)) return;
  kept.hidden = false;
  notKept.hidden = true;
}

function settleSentText() {
  const sent = read(SENT_KEY);
  forget(SENT_KEY);
  if (sent !== undefined && document.querySelector('[data-kept-note]') !== null) write(KEY, sent);
}

/** @param {KeptText} kept */
function offer(kept) {
  const section = document.querySelector('[data-kept-text]');
  if (!(section instanceof HTMLElement)) return;
  section.hidden = false;
  const close = () => {
    section.hidden = true;
    forget(KEY);
  };
  section.querySelector('[data-kept-restore]')?.addEventListener('click', () => {
    putBack(kept);
    close();
  });
  section.querySelector('[data-kept-discard]')?.addEventListener('click', close);
}

/** @param {KeptText} kept */
function putBack({ fields, isSent }) {
  forget(KEY);
  for (const { name, index, value, checked } of fields) {
    const field = fieldsNamed(name)[index];
    if (field === undefined) continue;
    if (isChoice(field)) field.checked = checked;
    else field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }
  const back = document.querySelector('[data-kept-back]');
  if (isSent && back instanceof HTMLElement) back.hidden = false;
}

/** @returns {KeptText | undefined} */
function typedText() {
  const user = currentUser();
  const fields = keepableFields()
    .filter(hasChanged)
    .map((field) => ({
      name: field.name,
      index: fieldsNamed(field.name).indexOf(field),
      value: field.value,
      checked: isChoice(field) && field.checked,
    }));
  if (fields.length === 0 || user === undefined) return undefined;
  return { user, path: location.pathname, at: Date.now(), fields };
}

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Field */

/** @returns {readonly Field[]} */
function keepableFields() {
  const fields = document.querySelectorAll('main input[name], main textarea[name], main select[name]');
  return /** @type {Field[]} */ ([...fields]).filter(mayBeKept);
}

/** @param {string} name */
const fieldsNamed = (name) => keepableFields().filter((field) => field.name === name);

/** @param {Field} field */
function mayBeKept(field) {
  if (field.name === '_csrf' || field.closest('[data-secret]') !== null) return false;
  if (/password|one-time-code|username/.test(field.autocomplete)) return false;
  return !(field instanceof HTMLInputElement) || TEXT_TYPES.has(field.type) || isChoice(field);
}

/**
 * @param {Field} field
 * @returns {field is HTMLInputElement}
 */
function isChoice(field) {
  return field instanceof HTMLInputElement && (field.type === 'checkbox' || field.type === 'radio');
}

/** @param {Field} field */
function hasChanged(field) {
  if (isChoice(field)) return field.checked !== field.defaultChecked;
  if (!(field instanceof HTMLSelectElement)) return field.value !== field.defaultValue;
  const chosen = [...field.options].findIndex(({ defaultSelected }) => defaultSelected);
  return field.selectedIndex !== Math.max(0, chosen);
}

function currentUser() {
  const strip = document.querySelector('[data-session-strip]');
  return strip instanceof HTMLElement ? strip.dataset['user'] : undefined;
}

/**
 * @param {string} key
 * @param {KeptText} kept
 */
function write(key, kept) {
  try {
    sessionStorage.setItem(key, JSON.stringify(kept));
  } catch {
    // A browser that stores nothing keeps nothing.
  }
}

/**
 * @param {string} key
 * @returns {KeptText | undefined}
 */
function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '') ?? undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} key */
function forget(key) {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // Nothing is stored there.
  }
}
