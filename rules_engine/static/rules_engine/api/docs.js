// Starts Swagger UI on the page of the API's documentation.
"use strict";

const docs = document.getElementById("docs");

SwaggerUIBundle({
  url: docs.dataset.schema,
  domNode: docs,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  // The default asks a server on the internet to judge the document.
  validatorUrl: null,
  requestInterceptor(request) {
    // A session is only trusted with the token that this page was given.
    if (!["GET", "HEAD", "OPTIONS"].includes(request.method) && new URL(request.url, location.href).origin === location.origin) {
      request.headers[docs.dataset.csrfHeader] = docs.dataset.csrfToken;
    }
    return request;
  },
});
