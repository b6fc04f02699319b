import threading

from my_app.application import create_app

PRODUCTION = {"ENV_FOR_DYNACONF": "production", "SECRET_KEY": "k" * 32}


async def test_settings_are_shown_to_developers(database: str) -> None:
    app = create_app(ENV_FOR_DYNACONF="docker", DB_HOST="db")
    response = await app.test_client().get("/app-settings")
    page = await response.get_data(as_text=True)
    assert "Home: Hello World!" in page
    assert "Dynaconf Environment: docker" in page
    assert "DB_HOST: db" in page
    assert "app_password" not in page


async def test_a_page_waits_for_no_thread() -> None:
    before = set(threading.enumerate())
    app = create_app(DATABASE_URL="postgresql://me@there/app")
    response = await app.test_client().get("/app-settings")
    assert response.status_code == 200
    assert set(threading.enumerate()) == before


async def test_the_host_in_use_is_shown_without_its_password() -> None:
    app = create_app(DATABASE_URL="postgresql://me:s3cret@there:5433/app")
    response = await app.test_client().get("/app-settings")
    page = await response.get_data(as_text=True)
    assert "DB_HOST: there:5433" in page
    assert "s3cret" not in page


async def test_settings_are_not_shown_in_production(database: str) -> None:
    app = create_app(**PRODUCTION, DATABASE_URL=database)
    response = await app.test_client().get("/app-settings")
    assert response.status_code == 404
