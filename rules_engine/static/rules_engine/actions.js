/* The actions of a rule: the configuration follows the kind, and what django-jsonform draws gets labels. */
'use strict';
(function () {
    const drawn = new WeakMap();  // textarea -> django-jsonform's form; ids change when rows are removed
    let data = null;

    function start() {
        const node = document.getElementById('rules-engine-form');
        if (!node) {
            return;
        }
        data = JSON.parse(node.textContent);
        document.querySelectorAll('.inline-related:not(.empty-form)').forEach(begin);
        document.addEventListener('formset:added', function (event) {
            // django-jsonform draws a new row from a MutationObserver, which runs before this.
            setTimeout(() => begin(event.target), 0);
        });
        document.addEventListener('change', function (event) {
            if (/^actions-\d+-kind$/.test(event.target.name || '')) {
                switchKind(event.target.closest('.inline-related'));
            }
        });
    }

    function begin(row) {
        const kind = row.querySelector('select[name$="-kind"]');
        const area = row.querySelector('textarea[name$="-config"]');
        if (!kind || !area) {
            return;
        }
        row.rulesKind = kind.value;
        row.rulesStash = {};
        const form = formOf(area);
        row.rulesSchema = form ? copied(form.schema) : null;  // of a kind that is not installed, nothing else is known
        describe(row, kind.value);
        label(row);
        new MutationObserver(() => label(row)).observe(configRow(area), {childList: true, subtree: true});
    }

    function configRow(area) {
        return area.closest('.form-row');
    }

    /* The drawn form of a textarea, its container named as it is named now. */
    function formOf(area) {
        const container = area.previousElementSibling;
        if (!container || !window.reactJsonForm || !area.dataset.djangoJsonform) {
            return null;
        }
        if (!drawn.has(area)) {
            const found = window.reactJsonForm.getFormInstance(container.id);
            if (!found) {
                return null;
            }
            drawn.set(area, found);
        }
        const form = drawn.get(area);
        form.containerId = container.id;
        return form;
    }

    /* Draw the fields of the chosen kind; what was typed for the other one comes back with it. */
    function switchKind(row) {
        const kind = row.querySelector('select[name$="-kind"]').value;
        const area = row.querySelector('textarea[name$="-config"]');
        const known = data.kinds[kind];
        row.rulesStash[row.rulesKind] = area.value;
        row.rulesKind = kind;
        const config = parsed(row.rulesStash[kind]) || copied(known ? known.blank : {});
        describe(row, kind);  // first, because text fields take their height when they are drawn
        const form = formOf(area);
        if (form) {
            form.readonly = Boolean(kind) && !known;
            form.update({
                schema: copied(known ? known.schema : kind ? row.rulesSchema : data.nothing),
                data: config,
                errorMap: {}
            });
        } else {
            area.value = JSON.stringify(config, null, 2);
            area.readOnly = Boolean(kind) && !known;
        }
        forget(row);
        label(row);
    }

    function parsed(text) {
        try {
            return text ? JSON.parse(text) : null;
        } catch (error) {
            return null;
        }
    }

    function copied(value) {
        return JSON.parse(JSON.stringify(value));
    }

    /* Messages about the kind that was chosen before say nothing about this one. */
    function forget(row) {
        row.querySelectorAll('.field-kind .errorlist, .field-config .errorlist').forEach((list) => list.remove());
        row.querySelectorAll('.field-kind.errors, .field-config.errors, .field-kind .errors, .field-config .errors')
            .forEach((node) => node.classList.remove('errors'));
    }

    function describe(row, kind) {
        const select = row.querySelector('select[name$="-kind"]');
        const box = select.closest('.form-row');
        let text = box.querySelector('.rules-kind-help');
        if (!text) {
            text = document.createElement('div');
            text.className = 'help rules-kind-help';
            box.append(text);
        }
        const known = data.kinds[kind];
        text.textContent = known ? known.help : '';
        configRow(row.querySelector('textarea[name$="-config"]')).classList.toggle('rules-unused', !kind);
    }

    /* django-jsonform's labels stand beside their inputs without a tie: give each input its name, help and error. */
    function label(row) {
        const area = row.querySelector('textarea[name$="-config"]');
        const container = area.previousElementSibling;
        if (!container) {
            return;
        }
        container.setAttribute('role', 'group');
        const title = configRow(area).querySelector('label, legend');
        container.setAttribute('aria-label', title ? title.textContent.replace(/:\s*$/, '') : 'config');
        container.querySelectorAll('input, select, textarea').forEach(function (input, number) {
            const id = area.id + '-f' + number;
            set(input, 'id', id);
            name(input, container);
            explain(input, id);
        });
    }

    function name(input, container) {
        const own = input.closest('label');
        const row = input.closest('.rjf-form-row-inner, .rjf-form-row, .rjf-check-input') || container;
        const title = own || row.querySelector('label');
        if (title && title.textContent.trim()) {
            if (!own) {
                set(title, 'for', input.id);
            }
        } else {
            const group = input.closest('.rjf-form-group-inner, .rjf-form-group');
            const heading = group && group.querySelector('.rjf-form-group-title');
            set(input, 'aria-label', heading ? heading.textContent : container.getAttribute('aria-label'));
        }
        if (title && title.classList.contains('rjf-required')) {
            set(input, 'aria-required', 'true');
        }
    }

    function explain(input, id) {
        const box = input.closest('.rjf-input-group, .rjf-check-input');
        if (!box) {
            return;
        }
        const notes = [];
        box.querySelectorAll('.rjf-error-text, .rjf-help-text').forEach(function (note, number) {
            set(note, 'id', id + '-n' + number);
            notes.push(note.id);
        });
        if (notes.length) {
            set(input, 'aria-describedby', notes.join(' '));
        }
        if (box.querySelector('.rjf-error-text')) {
            set(input, 'aria-invalid', 'true');
        } else {
            input.removeAttribute('aria-invalid');
        }
    }

    /* Only real changes: the observer would run for ever otherwise. */
    function set(node, attribute, value) {
        if (node.getAttribute(attribute) !== value) {
            node.setAttribute(attribute, value);
        }
    }

    if (document.readyState === 'complete') {
        start();
    } else {
        // After django-jsonform, which draws on DOMContentLoaded.
        window.addEventListener('load', start);
    }
})();
