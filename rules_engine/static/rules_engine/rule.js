/* The form of a rule: senders follow the signal, the condition explains itself, unsaved edits are not lost. */
'use strict';
(function () {
    let data = null;

    function start() {
        const node = document.getElementById('rules-engine-form');
        if (!node) {
            return;
        }
        data = JSON.parse(node.textContent);
        const form = node.closest('form');
        const signal = form.querySelector('select[name="signal"]');
        moveDown(form.querySelector('fieldset.rules-more'));
        guardUnsaved(form);
        if (!signal) {
            return;
        }
        const help = new Help(form.querySelector('textarea[name="condition"]'));
        const chosen = {};  // the last sender of each list, so that a slip of the signal loses nothing
        let list = data.signals[signal.value];
        signal.addEventListener('change', function () {
            const before = form.elements.sender;
            chosen[list] = before.value;
            list = data.signals[signal.value];
            offerSenders(before, data.senders[list], chosen[list] || before.value);
            help.show(signal.value, form.elements.sender.value);
        });
        form.addEventListener('change', function (event) {
            if (event.target.name === 'sender') {
                help.show(signal.value, event.target.value);
            }
        });
        help.show(signal.value, form.elements.sender.value);
    }

    /* After the actions: a rule is read as name, when, then. */
    function moveDown(fieldset) {
        const inline = document.getElementById('actions-group');
        if (fieldset && inline) {
            inline.after(fieldset);
        }
    }

    function offerSenders(field, choices, wanted) {
        if (choices === null) {
            const text = replacement(field, 'input');
            text.type = 'text';
            text.className = 'vTextField';
            text.value = '';
            return;
        }
        const select = field.tagName === 'SELECT' ? field : replacement(field, 'select');
        const offered = choices || [['', data.texts.choose_first]];
        select.replaceChildren(...offered.map(([value, title]) => new Option(title, value)));
        select.value = offered.some(([value]) => value === wanted) ? wanted : '';
    }

    function replacement(field, tag) {
        const fresh = document.createElement(tag);
        for (const name of ['id', 'name', 'aria-describedby']) {
            if (field.hasAttribute(name)) {
                fresh.setAttribute(name, field.getAttribute(name));
            }
        }
        field.replaceWith(fresh);
        return fresh;
    }

    /* Buttons that switch the mode leave the page; say so before edits are lost. */
    function guardUnsaved(form) {
        let dirty = Boolean(document.querySelector('.errornote'));
        const mark = function (event) {
            dirty = dirty || event.isTrusted;
        };
        form.addEventListener('input', mark);
        form.addEventListener('change', mark);
        document.addEventListener('click', function (event) {
            const button = event.target.closest('button[form="rules-post"]');
            if (button && dirty && form.contains(button) && !window.confirm(data.texts.unsaved)) {
                event.preventDefault();
            }
        });
    }

    class Help {
        constructor(textarea) {
            this.textarea = textarea;
            if (!textarea) {
                return;
            }
            this.panel = element('details', 'rules-help');
            this.body = element('div');
            this.panel.append(element('summary', '', data.texts.help), this.body);
            // Django's own class for help puts it under the field, in every version's layout.
            const place = element('div', 'help rules-help-place');
            place.append(this.panel);
            textarea.closest('.form-row').append(place);
        }

        show(signal, sender) {
            if (!this.textarea) {
                return;
            }
            this.panel.hidden = !(signal in data.signals);
            const query = new URLSearchParams({signal: signal, sender: sender || ''}).toString();
            this.asked = query;
            if (this.panel.hidden) {
                return;
            }
            fetch(data.help + '?' + query, {credentials: 'same-origin'})
                .then((answer) => answer.json())
                .then((found) => {
                    if (this.asked === query) {
                        this.body.replaceChildren(...this.parts(found));
                    }
                });
        }

        parts(found) {
            if (found.error) {
                return [element('p', '', found.error)];
            }
            const parts = [withCode(element('p'), found.description || found.title)];
            parts.push(...this.list(data.texts.syntax, found.syntax, (item) => item.usage));
            parts.push(...this.list(data.texts.arguments, found.arguments, (item) => item.name));
            parts.push(...this.names(found.names));
            if (found.example) {
                parts.push(heading(data.texts.example), element('pre', 'rules-json', found.example));
            }
            parts.push(...this.list(data.texts.functions, found.functions, (item) => item.usage));
            return parts;
        }

        list(title, items, name) {
            if (!items.length) {
                return [];
            }
            const list = element('dl', 'rules-help-list');
            for (const item of items) {
                const term = element('dt');
                term.append(element('code', '', name(item)));
                list.append(term, withCode(element('dd'), item.help));
            }
            return [heading(title), list];
        }

        names(names) {
            const list = element('ul', 'rules-help-names');
            for (const item of names) {
                const button = element('button', '', item.path);
                button.type = 'button';
                button.setAttribute('aria-label', data.texts.insert.replace('%s', item.path));
                button.addEventListener('click', () => this.insert(item.path));
                const row = element('li');
                row.append(button, ' ', element('span', '', item.kind));
                list.append(row);
            }
            return [heading(data.texts.names), list];
        }

        insert(text) {
            const area = this.textarea;
            area.setRangeText(text, area.selectionStart, area.selectionEnd, 'end');
            area.focus();
            area.dispatchEvent(new Event('input', {bubbles: true}));
        }
    }

    /* Backticks in descriptions mark code. */
    function withCode(parent, text) {
        text.split(/`+([^`]+)`+/).forEach(function (part, number) {
            parent.append(number % 2 ? element('code', '', part) : part);
        });
        return parent;
    }

    function heading(text) {
        return element('h4', '', text);
    }

    function element(tag, className, text) {
        const made = document.createElement(tag);
        if (className) {
            made.className = className;
        }
        if (text) {
            made.textContent = text;
        }
        return made;
    }

    if (document.readyState === 'loading') {
        document.addEventListener('DOMContentLoaded', start);
    } else {
        start();
    }
})();
