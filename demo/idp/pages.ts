/**
 * The sign-in form; posts `username` to its own address.
 *
 * @param problem plain words, no markup
 */
export function signInPage(problem: string): string {
  return page(
    'Sign in',
    `<p role="alert">${problem}</p>
    <form method="post">
      <label>Username <input name="username" autocomplete="off" autofocus required></label>
      <button>Sign in</button>
    </form>`,
  )
}

/**
 * The question before sign-out.
 *
 * @param form oidc-provider's form element, `op.logoutForm`
 */
export function signOutPage(form: string): string {
  return page(
    'Sign out',
    `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`,
  )
}

export function signedOutPage(): string {
  return page('Signed out', '<p>You are signed out.</p>')
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>${title} - demo provider</title></head>
  <body><main><h1>${title}</h1>${body}</main></body>
</html>
`
}
