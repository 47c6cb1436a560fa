for (const button of document.querySelectorAll('[data-show-password]')) {
  const input = document.getElementById(button.getAttribute('aria-controls') ?? '');
  if (!(button instanceof HTMLButtonElement) || !(input instanceof HTMLInputElement)) continue;

  /** @param {boolean} isShown */
  const show = (isShown) => {
    input.type = isShown ? 'text' : 'password';
    button.setAttribute('aria-pressed', String(isShown));
  };
  button.addEventListener('click', () => show(input.type === 'password'));
  // A browser that remembers what was typed into a text field must not remember this.
  input.form?.addEventListener('submit', () => show(false));
  button.hidden = false;
}
