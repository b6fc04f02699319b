"""/sign-in and /sign-out: the owner's session."""

from quart import (
    Blueprint,
    Quart,
    current_app,
    flash,
    render_template,
    request,
    session,
)
from quart.typing import ResponseReturnValue
from werkzeug import Response
from werkzeug.exceptions import NotFound, TooManyRequests
from wtforms import PasswordField
from wtforms.validators import InputRequired

from quart_chassis import settings
from quart_chassis.settings import Settings
from quart_chassis.web import owner
from quart_chassis.web.forms import Form
from quart_chassis.web.posted import read_form
from quart_chassis.web.redirects import is_local, see_other
from quart_chassis.web.tries import Tries

pages = Blueprint("sign_in", __name__, template_folder="templates")


class SignInForm(Form):
    """What the owner knows."""

    token = PasswordField(
        "Token",
        [InputRequired()],
        description="The ADMIN_TOKEN of this server.",
        render_kw={"autocomplete": "current-password"},
    )


def install(app: Quart, chosen: Settings) -> None:
    """Serve the pages; templates get `is_owner()` and `can_sign_in`."""
    app.extensions["tries"] = Tries()
    app.register_blueprint(pages)
    app.jinja_env.globals["is_owner"] = owner.is_owner
    app.jinja_env.globals["can_sign_in"] = bool(chosen.ADMIN_TOKEN)


@pages.get("/sign-in")
async def show() -> ResponseReturnValue:
    """The form; 404 if no ADMIN_TOKEN is set."""
    _check_possible()
    if owner.is_owner():
        return _next_page()
    return await render_template("sign_in.html", form=SignInForm())


@pages.post("/sign-in")
async def enter() -> ResponseReturnValue:
    """Begin a session of whoever knows the ADMIN_TOKEN, and go on to `next`.

    429 after too many wrong ones.
    """
    _check_possible()
    form = await read_form(SignInForm)
    tries: Tries = current_app.extensions["tries"]
    address = request.remote_addr or ""
    if seconds := tries.seconds_to_wait(address):
        raise TooManyRequests(
            "Too many wrong tokens. Wait a minute, and try again.", retry_after=seconds
        )
    if form.validate() and owner.is_token((form.token.data or "").encode()):
        owner.sign_in()
        await flash("You are signed in.")
        return _next_page()
    tries.note(address)
    form.token.errors = ["This is not the token."]
    return await render_template("sign_in.html", form=form), 422


@pages.post("/sign-out")
async def leave() -> Response:
    """End the session."""
    _check_possible()
    session.clear()
    await flash("You are signed out.")
    return see_other(f"{request.root_path}/")


def _check_possible() -> None:
    if not settings.current(Settings).ADMIN_TOKEN:
        raise NotFound("There is no such page.")


def _next_page() -> Response:
    address = request.args.get("next", "")
    return see_other(address if is_local(address) else f"{request.root_path}/")
