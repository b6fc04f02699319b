// Shows the API's description with Swagger UI. Without this script the page has a link
// to the description.

const place = document.getElementById("api");

SwaggerUIBundle({
  url: place.dataset.description,
  domNode: place,
  deepLinking: true,
  // It would ask a server elsewhere.
  validatorUrl: null,
});
