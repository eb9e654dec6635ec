"""The sign-in page: plain HTML, without scripts, in light and dark; and signing out.

What people typed is escaped; a password is never sent back.
"""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from fairway_runtime.sessions import Session
from longrun.database import Unavailable
from longrun.door import PERSON, begin_session, local_path
from longrun.entrance import Entrance, TooOften, Wrong
from longrun.people import DEVELOPMENT_NAMES
from longrun.recorder import NotRecorded
from longrun.service import Busy

__all__ = ["sign_in_routes"]

STYLE = """
:root { color-scheme: light dark; --ink: #19202c; --back: #f4f6fa; --card: #fff; --line: #8a94a6;
  --blue: #2456a4; --red: #a32028; --pale: #e8eef8; }
@media (prefers-color-scheme: dark) { :root { --ink: #f2f4f8; --back: #0e1117; --card: #1a1f2a;
  --line: #7b8698; --blue: #3572d6; --red: #ff9a9a; --pale: #20293a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--back); color: var(--ink); font: 1rem/1.5 "Source Sans", system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; background: var(--card); padding: 2rem; border-radius: .8rem;
  box-shadow: 0 1px 12px #0002; }
h1 { margin: 0; font-size: 1.6rem; } p { margin: .4rem 0 1.2rem; }
label { display: block; margin: .9rem 0 .3rem; font-weight: 600; }
input { width: 100%; padding: .65rem .8rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: .4rem; }
button { width: 100%; margin-top: 1.4rem; padding: .7rem; font: inherit; font-weight: 600;
  color: #fff; background: var(--blue); border: 0; border-radius: .4rem; cursor: pointer; }
input:focus-visible, button:focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
.wrong { color: var(--red); font-weight: 600; }
.told { margin: 1.6rem 0 0; padding: .9rem 1rem; background: var(--pale); border-radius: .4rem; }
code { font-size: .95em; white-space: nowrap; }
"""
# No scripts at all, and nobody may frame the page.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'"
)
HEADERS = {"cache-control": "no-store", "content-security-policy": POLICY}


def sign_in_routes(entrance: Entrance) -> list[Route]:
    """`/login` and `/logout`."""

    async def show(request: Request) -> Response:
        target = local_path(request.query_params.get("next", "/"))
        if request.scope[PERSON] is not None:
            return RedirectResponse(target, 303, HEADERS)
        return _page(request, entrance, target)

    async def sign_in(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        name, password = str(form.get("name", "")), str(form.get("password", ""))
        target = local_path(str(form.get("next", "/")))
        session: Session = request.scope["session"]
        try:
            person = await entrance.sign_in(request.scope, name, password)
        except Wrong as error:
            return _page(request, entrance, target, str(error), name, 401)
        except TooOften as error:
            return _page(request, entrance, target, str(error), name, 429)
        except (Busy, NotRecorded, Unavailable) as error:
            return _page(request, entrance, target, str(error), name, 503)
        begin_session(session, person)
        return RedirectResponse(target, 303, HEADERS)

    async def sign_out(request: Request) -> Response:
        person = request.scope[PERSON]
        request.scope["session"].clear()
        try:
            await entrance.sign_out(person)
        except (Unavailable, NotRecorded):  # this browser is out; others when the day is over
            return RedirectResponse("/login", 303, HEADERS)
        return RedirectResponse("/login", 303, HEADERS)

    async def ask_to_leave(request: Request) -> Response:
        person = escape(request.scope[PERSON].name)
        return HTMLResponse(
            _document(
                "Sign out",
                f"<p>You are signed in as <b>{person}</b>. Signing out ends your sessions in all"
                ' browsers.</p><form method="post" action="/logout"><button>Sign out</button>'
                "</form>",
            ),
            headers=HEADERS,
        )

    return [
        Route("/login", show, methods=["GET"]),
        Route("/login", sign_in, methods=["POST"]),
        Route("/logout", ask_to_leave, methods=["GET"]),
        Route("/logout", sign_out, methods=["POST"]),
    ]


def _page(
    request: Request,
    entrance: Entrance,
    target: str,
    wrong: str = "",
    name: str = "",
    status: int = 200,
) -> Response:
    told = f"{wrong[:1].upper()}{wrong[1:]}."
    at_password = " autofocus" if name else ""
    alert = f'<p class="wrong" role="alert">{escape(told)}</p>' if wrong else ""
    body = (
        "<p>How long does the money last?</p>"
        f'{alert}<form method="post" action="/login">'
        f'<input type="hidden" name="next" value="{escape(target)}">'
        '<label for="name">Name</label>'
        f'<input id="name" name="name" value="{escape(name[:100])}" autocomplete="username"'
        ' autocapitalize="none" spellcheck="false" required maxlength="100"'
        f"{'' if name else ' autofocus'}>"
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password"'
        f' required maxlength="200"{at_password}><button>Sign in</button></form>'
        f"{_users(entrance.told_password(request.scope))}"
    )
    return HTMLResponse(_document("Longrun", body), status, HEADERS)


def _users(password: str) -> str:
    """The users of development, where there are some."""
    if not password:
        return ""
    names = " or ".join(f"<code>{name}</code>" for name in DEVELOPMENT_NAMES)
    return (
        '<p class="told">To try it on this machine, sign in as '
        f"{names} with the password <code>{escape(password)}</code>."
        " Nobody gets in like this anywhere else.</p>"
    )


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} - sign in</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
