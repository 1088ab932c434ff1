"""The baseline: an echo on bare aiohttp and PyJWT, with a full token check and one reply."""

import json
import sys

import aiohttp
import jwt
from aiohttp import web

APP_ID = sys.argv[2]


async def main(url: str) -> web.Application:
    """Return an app that verifies the token and replies to the activity."""
    app = web.Application()
    session = aiohttp.ClientSession()
    async with session.get(f"{url}/v1/.well-known/keys") as response:
        found = (await response.json())["keys"][0]
    key = jwt.PyJWK(found).key
    form = {
        "grant_type": "client_credentials",
        "client_id": APP_ID,
        "client_secret": sys.argv[3],
        "scope": "https://api.botframework.com/.default",
    }
    async with session.post(f"{url}/{sys.argv[4]}/oauth2/v2.0/token", data=form) as response:
        token = (await response.json())["access_token"]

    async def messages(request: web.Request) -> web.Response:
        header = request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(
            header, key, ["RS256"], audience=APP_ID, issuer="https://api.botframework.com"
        )
        activity = await request.json()
        if claims["serviceurl"] != activity["serviceUrl"]:
            return web.Response(status=401)
        path = f"v3/conversations/{activity['conversation']['id']}/activities/{activity['id']}"
        async with session.post(
            f"{activity['serviceUrl']}{path}",
            data=json.dumps({"type": "message", "text": activity["text"]}),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        ) as reply:
            await reply.read()
        return web.Response(status=202)

    app.router.add_post("/api/messages", messages)
    return app


if __name__ == "__main__":
    web.run_app(main(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[5]), print=None)
