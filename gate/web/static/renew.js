// renewed loads the page anew, once, when the gate's software has changed.
export function renewed(assets) {
  if (assets === document.documentElement.dataset.assets || sessionStorage.getItem("renewed") === assets) return false;
  sessionStorage.setItem("renewed", assets);
  location.reload();
  return true;
}
