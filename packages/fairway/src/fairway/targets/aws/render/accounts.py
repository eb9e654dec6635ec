"""Which account each part stands in, where the file names several (R204). Pure.

Services, jobs and data share a network, so they stand in one account: the app's home. A site shares
nothing with them but addresses, so it may stand in another. What crosses accounts are domains, as
parameters that whoever deploys gives: no stack reads what one of another account hands over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fairway.core import names
from fairway.core.spec.model import App, Site
from fairway.targets.aws.render.hosts import DOMAIN, ask_domain_of, url
from fairway.targets.aws.render.template import Draft, Value

__all__ = ["SERVICES_DOMAIN", "account_of_home", "away", "home", "origins", "services_domain"]

SERVICES_DOMAIN = "ServicesDomain"


def account_of_home(app: App) -> str | None:
    """The name of the account that services stand in; None: whoever deploys signs in to it."""
    return min((each.account for each in app.services.values() if each.account), default=None)


def away(app: App) -> Mapping[str, App]:
    """Account -> the app as it stands there: sites alone. Empty where everything is at home."""
    own = app.accounts.get(account_of_home(app) or "")
    found: dict[str, dict[str, Site]] = {}
    for site in app.sites.values():
        number = app.accounts.get(site.account or "")
        if site.account is not None and number not in {None, own}:
            # What it calls is elsewhere; a firewall of that stands before it as at home.
            walled = site.firewall or any(app.services[name].firewall for name in site.calls)
            there = replace(site, calls=(), firewall=walled)
            found.setdefault(site.account, {})[site.name] = there
    return {
        account: replace(app, services={}, sites=sites) for account, sites in sorted(found.items())
    }


def home(app: App) -> App:
    """The app as it stands at home: without the sites of other accounts."""
    gone = {name for there in away(app).values() for name in there.sites}
    if not gone:
        return app
    return replace(app, sites={name: each for name, each in app.sites.items() if name not in gone})


def origins(whole: App, callers: Sequence[str], draft: Draft, domain: str = DOMAIN) -> list[Value]:
    """The addresses of sites, as a stack of the services says them; it asks for other domains."""
    accounts = {name: account for account, there in away(whole).items() for name in there.sites}
    found: list[Value] = []
    for name in callers:
        account = accounts.get(name)
        if account is None:
            found.append(url(home(whole), name, domain))
            continue
        id_ = names.logical_id(account, "domain")
        ask_domain_of(draft, id_, f"The domain of the sites in the account {account}.")
        found.append(url(away(whole)[account], name, f"${{{id_}}}"))
    return found


def services_domain(draft: Draft) -> str:
    """Ask, in another account, for the domain of the services."""
    if SERVICES_DOMAIN not in draft.parameters:
        ask_domain_of(draft, SERVICES_DOMAIN, "The domain of the services, in their own account.")
    return f"${{{SERVICES_DOMAIN}}}"
