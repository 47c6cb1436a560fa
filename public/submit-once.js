/** A form that is sent twice by a double click signs in once and then seems to have failed. */
for (const form of document.querySelectorAll('form[data-submit-once]')) {
  let isSent = false;
  form.addEventListener('submit', (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
  // Back from the next page, which a browser may show as it was left.
  addEventListener('pageshow', () => {
    isSent = false;
  });
}
