const KEY = 'curfew-kept-text';
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
 * What was typed when a session ended, in this tab alone. Another person who signs in here does not get it.
 * @typedef {{ user: string, path: string, at: number, fields: readonly { name: string, index: number, value: string }[] }} KeptText
 */

/** Keeps what was typed and not sent, but no secret: password fields, and the fields that sign people in, are left out. */
export function keepText() {
  const fields = changedFields().map(({ field, index }) => ({ name: field.name, index, value: field.value }));
  const user = currentUser();
  if (fields.length === 0 || user === undefined) return;
  write({ user, path: location.pathname, at: Date.now(), fields });
}

/** Offers what was kept for this page. Nothing is filled in before it was asked for. */
export function offerKeptText() {
  const kept = read();
  const offer = document.querySelector('[data-kept-text]');
  if (kept === undefined || !(offer instanceof HTMLElement)) return;
  if (kept.user !== currentUser() || Date.now() - kept.at > KEPT_MS) return forget();
  if (kept.path !== location.pathname) return;
  offer.hidden = false;
  offer.querySelector('[data-kept-restore]')?.addEventListener('click', () => {
    for (const { name, index, value } of kept.fields) {
      const field = fieldsNamed(name)[index];
      if (field === undefined) continue;
      field.value = value;
      field.dispatchEvent(new Event('input', { bubbles: true }));
      field.dispatchEvent(new Event('change', { bubbles: true }));
    }
    close(offer);
  });
  offer.querySelector('[data-kept-discard]')?.addEventListener('click', () => close(offer));
}

/** @param {HTMLElement} offer */
function close(offer) {
  offer.hidden = true;
  forget();
}

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Field */

/** @returns {readonly { field: Field, index: number }[]} */
function changedFields() {
  return keepableFields()
    .filter(hasChanged)
    .map((field) => ({ field, index: fieldsNamed(field.name).indexOf(field) }));
}

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
  return !(field instanceof HTMLInputElement) || TEXT_TYPES.has(field.type);
}

/** @param {Field} field */
function hasChanged(field) {
  if (!(field instanceof HTMLSelectElement)) return field.value !== field.defaultValue;
  const chosen = [...field.options].findIndex(({ defaultSelected }) => defaultSelected);
  return field.selectedIndex !== Math.max(0, chosen);
}

function currentUser() {
  const strip = document.querySelector('[data-session-strip]');
  return strip instanceof HTMLElement ? strip.dataset['user'] : undefined;
}

/** @param {KeptText} kept */
function write(kept) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A browser that stores nothing keeps nothing.
  }
}

/** @returns {KeptText | undefined} */
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '') ?? undefined;
  } catch {
    return undefined;
  }
}

function forget() {
  sessionStorage.removeItem(KEY);
}
