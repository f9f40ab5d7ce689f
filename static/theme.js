// Puts the stored look on the page before the first paint. Loaded as a classic script in the head, so nothing flashes.
(() => {
  try {
    const theme = localStorage.getItem('hearthnet.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch (cause) {
    console.warn('the stored look could not be read', cause);
  }
})();
