"use strict";
(() => {
{% include "decisions.js" %}
{% include "state.js" %}
{% include "items.js" %}
{% include "cards.js" %}
{% include "dialogs.js" %}
{% include "saving.js" %}
{% include "actions.js" %}
{% include "start.js" %}
})();
