"""Tokens whose issuers publish their format: a fixed prefix, an alphabet, a length, sometimes a checksum.

One row of the table is one format. Lengths are lower bounds, and a token goes to its last character: a longer
one is still a secret. Where a format has a checksum, the right one raises the confidence and a wrong one
lowers it; it never acquits, since a token that was cut or edited in one place may be live in another.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from .detector import RULES_VERSION, LineDetector, Match, Necessary
from .placeholders import is_made_up_token

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def has_crc32_of_github(token: str) -> bool:
    """Whether the last six characters are the CRC-32 of those between the prefix and them, in base 62.

    GitHub (its blog, April 2021) and npm make their tokens so.
    """
    body = token.partition("_")[2]
    check = zlib.crc32(body[:-6].encode())
    digits = ""
    for _ in range(6):
        check, digit = divmod(check, 62)
        digits = _BASE62[digit] + digits
    return len(body) == 36 and digits == body[-6:]


def has_crc32_of_gitlab(token: str) -> bool:
    """Whether a routable token (GitLab's handbook, cells) ends in the CRC-32, base 36, of what stands before."""
    head, tail = token[:-7], token[-7:]
    return tail.isalnum() and tail.islower() and int(tail, 36) == zlib.crc32(head.encode())


def has_bech32_checksum(token: str) -> bool:
    """BIP 173, as age's secret keys use it."""
    human, _, data = token.lower().rpartition("1")
    if any(c not in _BECH32 for c in data):
        return False
    values = [ord(c) >> 5 for c in human] + [0] + [ord(c) & 31 for c in human] + [_BECH32.index(c) for c in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check == 1


class _Format(NamedTuple):
    cls: str
    pattern: str
    """In Python's syntax; the token is the first group, or all of it."""
    checksum: Callable[[str], bool] | None = None
    confidence: float = 0.95


_W = r"[A-Za-z0-9_-]"
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

# Sources: each vendor's documentation of its API keys; the prefixes are what they publish for secret scanning.
_FORMATS = (
    # forges, registries, continuous integration
    _Format("GITHUB_TOKEN", r"gh[pousr]_[A-Za-z0-9]{36,255}", has_crc32_of_github),
    _Format("GITHUB_TOKEN", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59,255}"),
    _Format("GITLAB_TOKEN", rf"glpat-{_W}{{27,300}}\.[0-9a-z]{{9}}", has_crc32_of_gitlab),
    _Format("GITLAB_TOKEN", rf"gl(?:pat|dt|rt|rtr|cbt|ft|soat|ffct|wt)-{_W}{{20,300}}"),
    _Format("GITLAB_TOKEN", rf"glptt-[0-9a-f]{{40}}|gloas-{_W}{{64}}|glagent-{_W}{{50,300}}|glimt-[A-Za-z0-9_]{{25}}"),
    _Format("GITLAB_TOKEN", rf"GR1348941{_W}{{20}}(?!{_W})"),
    _Format("BITBUCKET_TOKEN", r"ATBB[A-Za-z0-9]{28,32}"),
    _Format("ATLASSIAN_TOKEN", r"AT(?:ATT3|CTT3|STT3)[A-Za-z0-9_=+/-]{60,400}"),
    _Format("NPM_TOKEN", r"npm_[A-Za-z0-9]{36,255}", has_crc32_of_github),
    _Format("PYPI_TOKEN", r"pypi-AgE[A-Za-z0-9_-]{50,1000}"),
    _Format("RUBYGEMS_TOKEN", r"rubygems_[0-9a-f]{48}"),
    _Format("NUGET_KEY", r"oy2[a-z0-9]{43}"),
    _Format("CRATES_IO_TOKEN", r"cio[A-Za-z0-9]{32}"),
    _Format("CLOJARS_TOKEN", r"CLOJARS_[0-9a-z]{60}"),
    _Format("PACKAGIST_TOKEN", r"packagist_(?:org_|user_)?[ou]?[ru]?t?_?[0-9a-f]{60,}"),
    _Format("DOCKER_TOKEN", rf"dckr_(?:pat|oat)_{_W}{{27,}}"),
    _Format("ARTIFACTORY_TOKEN", r"AKCp[A-Za-z0-9]{60,}"),
    _Format("ARTIFACTORY_TOKEN", r"cmVmdGtuOj[A-Za-z0-9]{40,}"),
    _Format("CIRCLECI_TOKEN", r"CCIP(?:AT|RJ)_[A-Za-z0-9]{20,24}_[A-Za-z0-9]{40,}"),
    _Format("BUILDKITE_TOKEN", r"bk(?:ua|aj|at|pt|pat)_[A-Za-z0-9]{40,}"),
    _Format("SONAR_TOKEN", r"sq[upa]_[0-9a-f]{40}"),
    _Format("SOURCEGRAPH_TOKEN", r"sg(?:p|d|ph)_(?:[0-9a-fA-F]{16}_)?(?:local_)?[A-Za-z0-9]{40,64}"),
    _Format("PULUMI_TOKEN", r"pul-[0-9a-f]{40}"),
    _Format("TERRAFORM_TOKEN", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    _Format("SWARM_KEY", r"SWMTKN-1-[0-9a-z]{49,50}-[0-9a-z]{25}|SWMKEY-1-[A-Za-z0-9+/]{43}"),
    _Format("OPENSHIFT_TOKEN", rf"sha256~{_W}{{43}}"),
    _Format("PREFECT_TOKEN", r"pn[ub]_[A-Za-z0-9]{36}"),
    _Format("STACKHAWK_KEY", rf"hawk\.{_W}{{20}}\.{_W}{{20}}"),
    _Format("SNYK_TOKEN", r"snyk_(?:uat|sat)\.[0-9a-f]{8}\.[A-Za-z0-9_.-]{60,}"),
    # clouds
    _Format("AWS_KEY", r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}"),
    _Format("AWS_TOKEN", rf"amzn\.mws\.{_UUID}"),
    _Format("AWS_TOKEN", r"ABSK[A-Za-z0-9+/]{109,269}={0,2}"),
    _Format("AWS_TOKEN", r"bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t[A-Za-z0-9+/=]{40,}"),
    _Format("AWS_TOKEN", r"da2-[a-z0-9]{26}"),
    _Format("GOOGLE_KEY", rf"AIza{_W}{{35}}"),
    _Format("GOOGLE_OAUTH_SECRET", rf"GOCSPX-{_W}{{28}}"),
    _Format("GOOGLE_OAUTH_TOKEN", r"ya29\.[A-Za-z0-9_-]{20,2000}"),
    _Format("GOOGLE_OAUTH_TOKEN", rf"1//0[A-Za-z0-9]{_W}{{38,120}}"),
    _Format(
        "AZURE_SECRET", r"(?<![A-Za-z0-9_~.-])([A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})(?![A-Za-z0-9_~.-])"
    ),
    _Format(
        "AZURE_KEY",
        r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{30,80}\+(?:ASt|ACR|ACDb|AEh|ASb|AIo|ARm)[A-Za-z0-9+/]{5,12}={0,2}",
    ),
    _Format("AZURE_KEY", r"[A-Za-z0-9_-]{40,50}AzF[uU][A-Za-z0-9_-]{6,10}={0,2}"),
    _Format("AZURE_KEY", r"[A-Za-z0-9]{33,45}Az(?:Ca|Se|ST)[A-Za-z0-9]{5,12}"),
    _Format("AZURE_DEVOPS_TOKEN", r"[A-Za-z0-9]{70,80}AZDO[A-Za-z0-9]{4}"),
    _Format("ALIBABA_KEY", r"LTAI[A-Za-z0-9]{17,24}"),
    _Format("TENCENT_KEY", r"AKID[A-Za-z0-9]{32}"),
    _Format("YANDEX_TOKEN", r"AQVN[A-Za-z0-9_-]{35,38}|y[0-6]_[A-Za-z0-9_-]{50,60}|YC[A-Za-z0-9_-]{38}"),
    _Format("DIGITALOCEAN_TOKEN", r"do[opr]_v1_[0-9a-f]{64}"),
    _Format("HEROKU_TOKEN", rf"HRKU-(?:{_UUID}|[A-Za-z0-9_-]{{58,64}})"),
    _Format("FLY_TOKEN", rf"fo1_{_W}{{43}}|fm[12][ar]?_[A-Za-z0-9+/]{{60,}}={{0,3}}"),
    _Format("VERCEL_TOKEN", r"vc[apikr]_[A-Za-z0-9]{24,60}"),
    _Format("NETLIFY_TOKEN", r"nf[pcuo]_[A-Za-z0-9]{36,40}"),
    _Format("RENDER_TOKEN", r"rnd_[A-Za-z0-9]{28,40}"),
    _Format("SUPABASE_KEY", rf"sbp_[0-9a-f]{{40}}|sb_secret_{_W}{{30,}}"),
    _Format("PLANETSCALE_TOKEN", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,64}"),
    _Format("NEON_TOKEN", r"napi_[a-z0-9]{60,70}"),
    _Format("AIVEN_TOKEN", r"AVNS_[A-Za-z0-9_-]{16,}"),
    _Format("MONGODB_TOKEN", rf"mdb_sa_sk_{_W}{{40}}"),
    _Format("CLOUDFLARE_KEY", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    _Format("SCALEWAY_KEY", r"SCW[A-Z0-9]{17}", None, 0.6),
    _Format("SCALINGO_TOKEN", rf"tk-us-{_W}{{48}}"),
    _Format("TAILSCALE_KEY", r"tskey-[a-z]{2,10}-[A-Za-z0-9_]{7,}(?:-[A-Za-z0-9_]{9,})?"),
    _Format("DATABRICKS_TOKEN", r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    _Format("DATABRICKS_TOKEN", r"dose[0-9a-f]{32}"),
    _Format("ONEPASSWORD_TOKEN", r"ops_eyJ[A-Za-z0-9+/_-]{100,}={0,3}"),
    _Format("ONEPASSWORD_KEY", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    _Format("VAULT_TOKEN", r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    _Format(
        "VAULT_TOKEN", r"(?<=[\s\"'=:])([sbr]\.(?=[A-Za-z]{0,23}[0-9])[A-Za-z0-9]{24,26})(?=[\s\"',;)]|$)", None, 0.7
    ),
    _Format("DOPPLER_TOKEN", r"dp\.(?:ct|pt|st|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    _Format("INFISICAL_TOKEN", r"st\.[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}"),
    _Format("AGE_KEY", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", has_bech32_checksum),
    # payments and commerce
    _Format("STRIPE_KEY", r"(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,247}"),
    _Format("STRIPE_KEY", r"whsec_[A-Za-z0-9+/]{32,}={0,2}"),
    _Format("SHOPIFY_TOKEN", r"shp(?:at|ca|pa|ss|ua|tka)_[0-9a-fA-F]{32}"),
    _Format("SQUARE_TOKEN", rf"sq0[a-z]{{3}}-{_W}{{22,43}}"),
    _Format("SQUARE_TOKEN", rf"EAAA{_W}{{57,65}}"),
    _Format("PAGARME_KEY", r"ak_(?:live|test)_[A-Za-z0-9]{30}"),
    _Format("FLEXPORT_TOKEN", r"shltm_[A-Za-z0-9_-]{40}"),
    _Format("BRAINTREE_TOKEN", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    _Format("PLAID_TOKEN", rf"(?:access|link|public)-(?:sandbox|development|production)-{_UUID}"),
    _Format("RAZORPAY_KEY", r"rzp_(?:live|test)_[A-Za-z0-9]{14,24}"),
    _Format("FLUTTERWAVE_KEY", r"FLWSECK(?:_TEST)?-[0-9a-zA-Z]{12,32}(?:-X)?"),
    _Format("EASYPOST_KEY", r"EZ[AT]K[A-Za-z0-9]{54}"),
    _Format("SHIPPO_TOKEN", r"shippo_(?:live|test)_[0-9a-fA-F]{40}"),
    _Format("DUFFEL_TOKEN", rf"duffel_(?:live|test)_{_W}{{43}}"),
    _Format("PAYSTACK_KEY", r"sk_(?:live|test)_[0-9a-f]{40}"),
    _Format("GOCARDLESS_TOKEN", r"(?:live|sandbox)_[A-Za-z0-9_=-]{40}(?![A-Za-z0-9_=-])", None, 0.7),
    _Format("LOB_KEY", r"(?:live|test)_(?:pub_)?[0-9a-f]{31,35}(?![0-9A-Za-z])", None, 0.8),
    # messages, mail, social
    _Format("SLACK_TOKEN", r"xox[abcdeprs](?:\.xox[abp])?-(?:[0-9]{1,3}-)?[A-Za-z0-9]{8,}(?:-[A-Za-z0-9]{8,}){0,4}"),
    _Format("SLACK_TOKEN", r"xapp-[0-9]-[A-Z0-9]{8,}-[0-9]{8,}-[A-Za-z0-9]{32,}"),
    _Format("SLACK_WEBHOOK", r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]{40,80})"),
    _Format("DISCORD_WEBHOOK", rf"discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]{{17,20}}/({_W}{{60,80}})"),
    _Format("DISCORD_TOKEN", rf"(?<![A-Za-z0-9_-])[MNO][A-Za-z0-9_-]{{23,25}}\.{_W}{{6}}\.{_W}{{27,38}}"),
    _Format("TEAMS_WEBHOOK", rf"(?:webhook|IncomingWebhook)[b2]*/({_UUID}@{_UUID}/[A-Za-z]+/[0-9a-f]{{32}}/{_UUID})"),
    _Format("ZAPIER_WEBHOOK", r"hooks\.zapier\.com/hooks/catch/([A-Za-z0-9]+/[A-Za-z0-9]+)"),
    _Format("TELEGRAM_TOKEN", rf"(?<![0-9A-Za-z])[0-9]{{8,10}}:AA{_W}{{32,33}}(?!{_W})"),
    _Format("SENDGRID_KEY", rf"SG\.{_W}{{20,24}}\.{_W}{{39,50}}"),
    _Format("SENDINBLUE_KEY", r"x(?:key|smtp)sib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    _Format("MAILGUN_KEY", r"key-[0-9a-z]{32}(?![0-9A-Za-z])|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![0-9A-Za-z-])"),
    _Format("MAILCHIMP_KEY", r"[0-9a-f]{32}-us[0-9]{1,2}(?![0-9])"),
    _Format("MAILERSEND_TOKEN", r"mlsn\.[0-9a-f]{64}"),
    _Format("RESEND_KEY", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    _Format("TWILIO_KEY", r"(?<![A-Za-z0-9])SK[0-9a-f]{32}(?![0-9A-Za-z])"),
    _Format("TWITTER_TOKEN", r"A{20,22}[A-Za-z0-9%_-]{60,120}"),
    _Format("FACEBOOK_TOKEN", r"EAA[MC][A-Za-z0-9]{60,400}|EAACEdEose0cBA[A-Za-z0-9]{20,}"),
    _Format("FACEBOOK_TOKEN", r"[0-9]{15,16}(?:\||%7[Cc])[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])"),
    _Format("RECAPTCHA_KEY", rf"(?i:captcha|secret).{{0,40}}(6L[A-Za-z0-9]{_W}{{37}})(?!{_W})"),
    _Format("VOICEFLOW_KEY", r"VF\.(?:DM|WS)\.[0-9a-f]{24}\.[A-Za-z0-9]{16}"),
    _Format("TINES_WEBHOOK", r"tines\.(?:com|io)/webhook/([0-9a-f]{32}/[0-9a-f]{32})"),
    _Format("THINGSBOARD_TOKEN", r"thingsboard\.[a-z]{2,5}/api/v1/([A-Za-z0-9]{20})/"),
    _Format("INSTAGRAM_TOKEN", r"IG(?:QV|AA)[A-Za-z0-9_-]{60,250}"),
    _Format("TWITCH_KEY", r"live_[0-9]{8,12}_[A-Za-z0-9]{28,32}"),
    _Format("DROPBOX_TOKEN", r"sl\.(?:u\.)?[A-Za-z0-9_-]{130,}"),
    # models
    _Format("OPENAI_KEY", rf"sk-(?:(?:proj|svcacct|admin|service)-)?{_W}{{20,100}}T3BlbkFJ{_W}{{20,100}}"),
    _Format("OPENAI_KEY", rf"sk-(?:proj|svcacct|admin)-{_W}{{40,200}}"),
    _Format("OPENAI_KEY", r"sk-[A-Za-z0-9]{48}(?![A-Za-z0-9])"),
    _Format("ANTHROPIC_KEY", rf"sk-ant-[a-z]{{3,5}}[0-9]{{2,3}}-{_W}{{93}}AA"),
    _Format("OPENROUTER_KEY", r"sk-or-v1-[0-9a-f]{64}"),
    _Format("DEEPSEEK_KEY", r"sk-[0-9a-f]{32}(?![0-9A-Za-z])"),
    _Format("HUGGINGFACE_TOKEN", r"hf_[A-Za-z]{34,40}(?![A-Za-z0-9_])|api_org_[A-Za-z]{34}"),
    _Format("REPLICATE_TOKEN", r"r8_[A-Za-z0-9]{37,48}"),
    _Format("TAVILY_KEY", r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{32}"),
    _Format("GROQ_KEY", r"gsk_[A-Za-z0-9]{48,56}"),
    _Format("PERPLEXITY_KEY", r"pplx-[A-Za-z0-9]{48}"),
    _Format("XAI_KEY", r"xai-[A-Za-z0-9_]{70,90}"),
    _Format("NVIDIA_KEY", rf"nvapi-{_W}{{60,70}}"),
    _Format("LANGSMITH_KEY", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _Format("PINECONE_KEY", r"pcsk_[A-Za-z0-9]{5,7}_[A-Za-z0-9]{50,64}"),
    _Format("ELEVENLABS_KEY", r"sk_[0-9a-f]{48}"),
    # observation
    _Format("NEWRELIC_KEY", r"NR(?:AK|JS|II|AA|RA|SP|IQ)-[A-Za-z0-9_-]{19,32}"),
    _Format("NEWRELIC_KEY", r"[0-9a-f]{36}NRAL"),
    _Format(
        "GRAFANA_TOKEN",
        r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/]{32,400}={0,3}|eyJrIjoi[A-Za-z0-9+/_-]{40,400}={0,3}",
    ),
    _Format("SENTRY_TOKEN", r"sntry[su]_[A-Za-z0-9+/_=-]{60,300}"),
    _Format("DYNATRACE_TOKEN", r"dt0[a-zA-Z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _Format("HONEYCOMB_KEY", r"hc[abx]ik_[0-9a-z]{26,60}"),
    _Format("UBIDOTS_TOKEN", r"BBFF-[A-Za-z0-9]{30,36}"),
    _Format("POSTHOG_KEY", r"phx_[A-Za-z0-9]{43,50}"),
    _Format("LAUNCHDARKLY_KEY", rf"(?:sdk|mob|api)-{_UUID}"),
    # work
    _Format("NOTION_TOKEN", r"secret_[A-Za-z0-9]{43}(?![A-Za-z0-9])|ntn_[A-Za-z0-9]{43,50}"),
    _Format("LINEAR_KEY", r"lin_(?:api|oauth|wh)_[A-Za-z0-9]{32,64}"),
    _Format("AIRTABLE_TOKEN", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    _Format("ASANA_TOKEN", r"[0-9]/[0-9]{14,16}(?:/[0-9]{14,16})?:[0-9a-f]{32}"),
    _Format("FIGMA_TOKEN", rf"fig[doru][rh]?_{_W}{{36,60}}"),
    _Format("POSTMAN_KEY", r"PMAK-[0-9a-fA-F]{24}-[0-9a-fA-F]{34}"),
    _Format("HUBSPOT_TOKEN", rf"pat-(?:na|eu|ap)[0-9]-{_UUID}"),
    _Format("CLICKUP_TOKEN", r"pk_[0-9]{6,10}_[A-Z0-9]{30,34}"),
    _Format("CONTENTFUL_TOKEN", rf"CFPAT-{_W}{{43}}"),
    _Format("README_KEY", r"rdme_[a-z0-9]{60,80}"),
    _Format("TYPEFORM_TOKEN", r"tfp_[A-Za-z0-9_.=-]{40,60}"),
    _Format("TEAMWORK_TOKEN", r"tkn\.v1_[A-Za-z0-9_+/-]{60,80}={0,2}"),
    _Format("TICKETTAILOR_KEY", r"sk_[0-9]{3,6}_[0-9]{4,8}_[0-9a-f]{40}"),
    _Format("INTRA42_SECRET", r"s-s4t2(?:ud|af)-[0-9a-f]{64}"),
    _Format("TRUENAS_KEY", r"(?<![A-Za-z0-9-])[0-9]{1,3}-[A-Za-z0-9]{64}(?![A-Za-z0-9=/+-])", None, 0.8),
    _Format("FRAMEIO_TOKEN", rf"fio-u-{_W}{{64}}"),
    _Format("CALENDLY_TOKEN", r"cal_(?:live|test)_[0-9a-f]{32}"),
    _Format("ADAFRUIT_KEY", r"aio_[A-Za-z0-9]{28}"),
    _Format("ADOBE_SECRET", rf"p8e-{_W}{{32}}"),
    _Format("ADYEN_KEY", r"AQE[a-z]{2}[A-Za-z0-9+/]{40,250}={0,2}-[A-Za-z0-9+/=]{20,60}-[^\s\"']{10,20}"),
    _Format("BEAMER_TOKEN", r"(?<![A-Za-z0-9_])b_[A-Za-z0-9=_-]{44}(?![A-Za-z0-9=_-])", None, 0.6),
    _Format("MAPBOX_TOKEN", rf"[st]k\.eyJ1Ijoi[A-Za-z0-9_-]{{30,200}}\.{_W}{{22}}"),
    _Format("MAXMIND_KEY", r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk"),
    _Format("SETTLEMINT_TOKEN", r"sm_(?:aat|pat|sat)_[A-Za-z0-9]{16}"),
    _Format("PERSONA_KEY", rf"persona_(?:production|sandbox)_{_UUID}"),
    _Format("RUNPOD_KEY", r"rpa_[A-Z0-9]{40,46}"),
    _Format("DTRACK_KEY", r"odt_[A-Za-z0-9]{32,40}"),
    _Format("IONIC_TOKEN", r"ion_[A-Za-z0-9]{42}"),
    _Format("DFUSE_KEY", r"(?<![A-Za-z0-9])web_[0-9a-f]{32}(?![0-9a-f])"),
    _Format("OPSGENIE_WEBHOOK", rf"(?i:opsgenie).{{0,40}}({_UUID})", None, 0.6),
    _Format("HEROKU_TOKEN", rf"(?i:heroku).{{0,24}}(?i:key|token|secret).{{0,12}}({_UUID})", None, 0.85),
    _Format("POSTMARK_TOKEN", rf"(?i:postmark).{{0,24}}(?i:key|token|secret).{{0,12}}({_UUID})", None, 0.85),
    _Format("SNYK_TOKEN", rf"(?i:snyk).{{0,24}}(?i:key|token|secret).{{0,12}}({_UUID})", None, 0.85),
)


def _find(cls: str, expression: re.Pattern[str], known: _Format, text: str, _path: str) -> Iterator[Match]:
    for found in expression.finditer(text):
        group = 1 if expression.groups else 0
        token = found.group(group)
        if is_made_up_token(token):
            continue
        confidence = known.confidence
        if known.checksum is not None:
            confidence = 0.99 if known.checksum(token) else 0.75
        yield Match(*found.span(group), cls, confidence, *found.span())


def _expression(known: _Format) -> str:
    before = "" if known.pattern.startswith(("(?<", "(?i:", "hooks", "discord", "(?:webhook")) else "(?<![A-Za-z0-9])"
    return f"{before}(?:{known.pattern})(?![A-Za-z0-9])"


def detectors() -> tuple[LineDetector, ...]:
    """One detector a format, in the order of the table."""
    made = []
    for number, known in enumerate(_FORMATS):
        pattern = _expression(known)
        find = partial(_find, known.cls, re.compile(pattern, re.ASCII), known)
        name = f"token/{known.cls.lower()}-{number}"
        made.append(LineDetector(name, RULES_VERSION, (Necessary(pattern),), find))
    return tuple(made)
