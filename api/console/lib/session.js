// Who is signed in. The browser keeps a session's cookie where no script can read it; this keeps what a request has to
// bring besides, in memory only.

const KEY = "countersign.session";
let csrf = null;

/** Tells of `signed-in` and `signed-out`, in this tab and in the others. `me` is what `GET /me` says. */
export const session = Object.assign(new EventTarget(), { me: null });

window.addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  if (event.newValue?.startsWith("out")) forget();
  else if (session.me === null) tell("signed-in");
});

/** Headers that a request of this kind has to have. */
export function credentials(method) {
  return csrf !== null && method !== "GET" ? { "x-csrf-token": csrf } : {};
}

export function isSignedIn() {
  return session.me !== null;
}

/** Keeps what the service says of the caller: `GET /auth/me` and `GET /me`. */
export function keepSession(self, me) {
  csrf = self.csrf;
  session.me = me;
}

/** Tells the other tabs that somebody has signed in. */
export function tellOthers() {
  window.localStorage.setItem(KEY, `in ${Date.now()}`);
}

/** Forgets who was signed in, here and in other tabs. */
export function endSession() {
  window.localStorage.setItem(KEY, `out ${Date.now()}`);
  forget();
}

function forget() {
  csrf = null;
  session.me = null;
  tell("signed-out");
}

function tell(what) {
  session.dispatchEvent(new Event(what));
}
