// node_modules/preact/dist/preact.mjs
var n$3;
var t$2;
var r$2;
var u$3;
var i$2;
var f$3;
var o$3;
var e$2;
var l$2;
var c$2;
var a$3;
var s$2;
var h$3 = Symbol.for("pv");
var p$3 = {};
var y$3 = [];
var v$2 = /^m(i|n|o|s|text|space)$/;
var w$3 = Array.isArray;
var d$3 = y$3.slice;
var _$2 = Object.assign;
function g$3(n) {
	n && n.parentNode && n.remove();
}
function k$2(n, t, r) {
	var u, i, f, o = {}, e = arguments.length;
	for (f in t) "key" == f ? u = t[f] : "ref" == f && "function" != typeof n ? i = t[f] : o[f] = t[f];
	return e > 2 && (o.children = e > 3 ? d$3.call(arguments, 2) : r), m$3(n, o, u, i, null);
}
function m$3(r, u, i, f, o) {
	var e = {
		type: r,
		props: u,
		key: i,
		ref: f,
		__k: null,
		__: null,
		__b: 0,
		__e: null,
		__c: null,
		constructor: h$3,
		__v: o || ++t$2,
		__i: -1,
		__u: 0
	};
	return !o && n$3.vnode && n$3.vnode(e), e;
}
function $(n) {
	return n.children;
}
function x$1(n, t) {
	this.props = n, this.context = t, this.__g = 0;
}
function S$1(n, t) {
	if (null == t) return n.__ && S$1(n.__, n.__i + 1);
	for (var r; t < n.__k.length; t++) if ((r = n.__k[t]) && r.__e) return r.__e;
	return "function" != typeof n.type || n.props.__P ? null : S$1(n);
}
function C$1(t) {
	var r, u = t.__v, i = u.__e, f = [], o = [], e = t.__P;
	e && ((r = _$2({ constructor: h$3 }, u)).__v = u.__v + 1, n$3.vnode && n$3.vnode(r), z$1(e, r, u, t.__n, e.namespaceURI, 32 & u.__u ? [i] : null, f, i || S$1(u), 32 & u.__u, o), r.__v = u.__v, r.__.__k[r.__i] = r, E$1(f, r, o), u.__ = u.__e = null, r.__e != i && j$2(r));
}
function j$2(n) {
	if ((n = n.__) && n.__c && !n.props.__P) return n.__e = null, n.__k.some(function(t) {
		return t && (n.__e = t.__e);
	}), j$2(n);
}
function L(t) {
	(8 & t.__g || (t.__g |= 8, u$3.push(t), f$3++)) && i$2 == n$3.debounceRendering || ((i$2 = n$3.debounceRendering) || queueMicrotask)(H);
}
function H() {
	try {
		for (var n, t = 1; u$3.length;) u$3.length > t && u$3.sort(o$3), n = u$3.shift(), t = u$3.length, 8 & n.__g && C$1(n);
	} finally {
		(f$3 = u$3.length) && (i$2 || queueMicrotask)(H);
	}
}
function I(n, t, r, u, i, f, o, e, l, c, a) {
	var s, h, v, w, d, _, g = u.__k || y$3, k = t.length;
	for (l = q(r, t, g, l, k), s = 0; s < k; s++) null != (v = r.__k[s]) && (h = ~v.__i && g[v.__i] || p$3, v.__i = s, _ = z$1(n, v, h, i, f, o, e, l, c, a), w = v.__e, (h.ref != v.ref || 8 & h.__u) && (h.ref && G$1(h.ref, null, v, h), v.ref && a.push(v.ref, v.__c || w, v)), d = d || w, 4 & v.__u ? (l = A$2(v, l, n, !h.__v), h.__e && (h.__e = null)) : "function" == typeof v.type && void 0 !== _ ? l = _ : w && (l = w.nextSibling), v.__u &= -21);
	return r.__e = d, l;
}
function q(n, t, r, u, i) {
	var f, o, e, l, c, a, s, p, y, v = r.length, d = v, _ = 0, g = 0, k = n.__k = Array(i);
	for (f = 0; f < i; f++) null != (o = t[f]) && "boolean" != typeof o && "function" != typeof o ? ("object" != typeof o || o.constructor === String ? o = k[f] = m$3(null, o) : w$3(o) ? o = k[f] = m$3($, { children: o }) : o.constructor === h$3 && o.__b ? o = k[f] = m$3(o.type, o.props, o.key, o.ref, o.__v) : k[f] = o, l = f + _, o.__ = n, o.__b = n.__b + 1, e = null, ~(c = o.__i = P$1(o, r, l, d)) && (d--, (e = r[c]) && (e.__u |= 2)), e && e.__v ? (o.__u |= 16, c == l - 1 ? _-- : c == l + 1 ? _++ : c != l && (c > l ? _-- : _++, g = 1)) : (~c || (i > v ? _-- : i < v && _++), "function" != typeof o.type && (o.__u |= 4))) : k[f] = null;
	if (g) {
		for (a = [], s = [], f = 0; f < i; f++) if ((o = k[f]) && 16 & o.__u) {
			for (_ = 0, p = a.length; _ < p;) a[y = _ + p >> 1] < o.__i ? _ = y + 1 : p = y;
			a[_] = o.__i, s[f] = _ + 1;
		}
		for (_ = a.length; f--;) s[f] && (s[f] == _ ? _-- : k[f].__u |= 4);
	}
	if (d) for (f = 0; f < v; f++) !(e = r[f]) || 2 & e.__u || (e.__e == u && (u = S$1(e)), J(e, e));
	return u;
}
function A$2(n, t, r, u) {
	var i, f, o, e;
	if ("function" == typeof n.type) {
		if (n.props.__P) return t;
		if (i = n.__k) for (f = 0; f < i.length; f++) i[f] && (i[f].__ = n, t = A$2(i[f], t, r, !1));
		return t;
	}
	for (t && !t.parentNode && (t = S$1(n)) && !t.parentNode && (t = null), o = n.__e, e = t; e && 8 == e.nodeType;) e = e.nextSibling;
	for (o != e && (!u && r.moveBefore && o.parentNode ? r.moveBefore(o, t) : r.insertBefore(o, t || null)), t = o; (t = t && t.nextSibling) && 8 == t.nodeType && !t.data.startsWith("$s"););
	return t;
}
function P$1(n, t, r, u) {
	var i, f = n.key, o = n.type, e = t[r], l = e && !(2 & e.__u);
	if (null === e && null == f || l && f == e.key && o == e.type) return r;
	if (u > (l ? 1 : 0)) {
		for (i = r - 1; i >= 0; i--) if ((e = t[i]) && !(2 & e.__u) && f == e.key && o == e.type) return i;
		for (i = r + 1; i < t.length; i++) if ((e = t[i]) && !(2 & e.__u) && f == e.key && o == e.type) return i;
	}
	return -1;
}
function T$1(n, t, r) {
	r ??= "", "-" == t[0] ? n.setProperty(t, r) : n[t] = r;
}
function N(n, t, r, u, i) {
	var f, o;
	if ("style" == t) if ("string" == typeof r) n.style.cssText = r;
	else {
		if ("string" == typeof u && (n.style.cssText = u = ""), u) for (t in u) r && t in r || T$1(n.style, t);
		if (r) for (t in r) u && r[t] == u[t] || T$1(n.style, t, r[t]);
	}
	else if ("o" == t[0] && "n" == t[1]) "function" != typeof r && (r = null), "function" != typeof u && (u = null), (n.__e || (n.__e = {}))[t] = r, r && u || (o = a$3[t] || (a$3[t] = V(t)), (n.__a || (n.__a = {}))[t] = c$2, f = t != (t = t.replace(l$2, "$1")), (t = t.slice(2))[0] < "a" && (t = t.toLowerCase()), r ? n.addEventListener(t, o, f) : n.removeEventListener(t, o, f));
	else {
		if ("http://www.w3.org/2000/svg" == i) t = t.replace(/xlink(H|:h)/, "h").replace(/sName$/, "s");
		else if ("width" != t && "height" != t && "href" != t && "list" != t && "form" != t && "tabIndex" != t && "download" != t && "rowSpan" != t && "colSpan" != t && "role" != t && "popover" != t && t in n) try {
			n[t] = null == r ? "" : r;
			return;
		} catch (n) {}
		if ("function" == typeof r) return;
		null == r || !1 === r && "-" != t[4] ? n.removeAttribute(t) : n.setAttribute(t, "popover" == t && 1 == r ? "" : r);
	}
}
function V(t) {
	return function(r) {
		var u = this.__e;
		if (u) {
			if (u = u[t], null == r[e$2]) r[e$2] = c$2++;
			else if (r[e$2] < this.__a[t]) return;
			return u(n$3.event ? n$3.event(r) : r);
		}
	};
}
function z$1(t, r, u, i, f, o, e, l, c, a) {
	var s, p, v, d, k, b, m, M, C, j, L, H, q, A, O, P, T, N, V = r.type;
	if (r.constructor !== h$3) return null;
	128 & u.__u && (c = 32 & u.__u, s = u.__c.__z) && (r.__u |= c, p = o = [], 8 == s.nodeType ? l = B$1(s, o) : o.push(s), l = o[0] || l), (s = n$3.__b) && s(r);
	n: if ("function" == typeof V) {
		v = e.length;
		try {
			if (M = r.props, C = (s = V.prototype) && s.render, j = (s = V.contextType) && i[s.__c], L = s ? j ? j.props.value : s.__ : i, (d = u.__c) ? (r.__c = d, 2 & d.__g && (d.__g |= 1)) : (C ? r.__c = d = new V(M, L) : (r.__c = d = new x$1(M, L), d.constructor = V, d.render = K), j && j.sub(d), d.state || (d.state = {}), d.__n = i, d.__g |= 8, d.__h = [], d.__k = []), C && (d.__s || (d.__s = d.state), V.getDerivedStateFromProps && (d.__s == d.state && (d.__s = _$2({}, d.__s)), _$2(d.__s, V.getDerivedStateFromProps(M, d.__s)))), k = d.props, b = d.state, d.__v = r, u.__c) {
				if (M !== k && C && !V.getDerivedStateFromProps && d.componentWillReceiveProps && d.componentWillReceiveProps(M, L), r.__v == u.__v && !(8 & d.__g) || !(4 & d.__g) && d.shouldComponentUpdate && !1 === d.shouldComponentUpdate(M, d.__s, L)) {
					r.__v != u.__v && (d.props = M, d.state = d.__s, d.__g &= -9), r.__e = u.__e, r.__k = u.__k, r.__k.some(function(n) {
						n && (n.__ = r);
					}), y$3.push.apply(d.__h, d.__k), d.__k = [], d.__h.length && e.push(d), l = S$1(u);
					break n;
				}
				d.componentWillUpdate && d.componentWillUpdate(M, d.__s, L), C && d.componentDidUpdate && d.__h.push(function() {
					d.componentDidUpdate(k, b, m);
				});
			} else C && !V.getDerivedStateFromProps && d.componentWillMount && d.componentWillMount(), C && d.componentDidMount && d.__h.push(d.componentDidMount);
			d.context = L, d.props = M, d.__P = t, d.__g &= -5, H = n$3.__r, q = C ? 25 : 0;
			do
				d.__g &= -9, H && H(r), s = d.render(d.props, d.state = d.__s, d.context);
			while (8 & d.__g && ++q < 25);
			C && (y$3.push.apply(d.__h, d.__k), d.__k = []), d.state = d.__s, d.getChildContext && (i = _$2({}, i, d.getChildContext())), C && u.__c && d.getSnapshotBeforeUpdate && (m = d.getSnapshotBeforeUpdate(k, b)), A = s && s.type === $ && null == s.key ? s.props.children : s, M.__P && (s = l, f = (t = M.__P).namespaceURI, c = o = null, u.props && u.props.__P != t && (u.__k.some(function(n) {
				n && J(n, n);
			}), u.__k = null), l = u.__k ? S$1(u, 0) : null), l = I(t, w$3(A) ? A : [A], r, u, i, f, o, e, l, c, a), M.__P && (r.__e = null, l = s), r.__u &= -161, p && p.some(g$3), d.__h.length && e.push(d), 1 & d.__g && (d.__g &= -4);
		} catch (t) {
			if (e.length = v, r.__v = null, c || o) if (t && t.then) {
				if (r.__u |= 128 | c, o) {
					for (~(T = o.indexOf(l || void 0)) || (T = o.length); (N = o[T - 1]) && 8 == N.nodeType;) T--;
					for (; T < o.length; T++) if (N = o[T]) if (o[T] = null, O) {
						if (N == P) break;
					} else {
						if (8 != N.nodeType) break;
						N.data.startsWith("$s") && (P = B$1(O = N));
					}
				}
				if (!O) {
					for (; l && 8 == l.nodeType && l.nextSibling;) l = l.nextSibling;
					O = l;
				}
				(s = B$1(O = r.__c.__z || (r.__c.__z = O))) ? (r.__e = O, l = s) : r.__e = l, l = l && l.nextSibling;
			} else o && o.some(g$3);
			else r.__e = u.__e;
			r.__k || (r.__k = u.__k || []), t && t.then || D$1(r), n$3.__e(t, r, u);
		}
	} else l = r.__e = F$1(u.__e, r, u, i, f, o, e, c, a, t);
	return (s = n$3.diffed) && s(r), l;
}
function B$1(n, t) {
	if (n && 8 == n.nodeType && n.data.startsWith("$s")) for (var r = 1; n = n.nextSibling;) {
		if (8 == n.nodeType) {
			if (n.data.startsWith("$s")) r++;
			else if (n.data.startsWith("/$s") && !--r) return n;
		}
		t && t.push(n);
	}
}
function D$1(n) {
	n && (n.__c && (n.__c.__g |= 4), n.__k && n.__k.some(D$1));
}
function E$1(t, r, u) {
	for (var i = 0; i < u.length;) G$1(u[i++], u[i++], u[i++]);
	n$3.__c && n$3.__c(r, t), t.some(function(r) {
		try {
			t = r.__h, r.__h = [], t.some(function(n) {
				n.call(r);
			});
		} catch (t) {
			n$3.__e(t, r.__v);
		}
	});
}
function F$1(t, r, u, i, f, o, e, l, c, a) {
	var s, h, y, _, k, b, m, M, $ = u.props || p$3, x = r.props, C = r.type;
	if ("svg" == C ? f = "http://www.w3.org/2000/svg" : "math" == C ? f = "http://www.w3.org/1998/Math/MathML" : f || (f = "http://www.w3.org/1999/xhtml"), o) {
		for (s = 0; s < o.length; s++) if ((k = o[s]) && (C ? k.localName == C : 3 == k.nodeType)) {
			t = k, o[s] = null;
			break;
		}
	}
	if (!t) {
		if (M = a.ownerDocument || document, !C) return M.createTextNode(x);
		t = M.createElementNS(f, C, x.is ? x : a), l && (n$3.__m && n$3.__m(r, o), l = !1), o = null;
	}
	if (C) {
		if (a = "template" == C && t.content || t, o = "textarea" == C && null != x.defaultValue ? null : o && d$3.call(a.childNodes), !l && o) for ($ = {}, s = 0; s < t.attributes.length; s++) $[(k = t.attributes[s]).name] = k.value;
		for (s in $) k = $[s], "dangerouslySetInnerHTML" == s ? y = k : "children" == s || s in x || "value" == s && "defaultValue" in x || "checked" == s && "defaultChecked" in x || N(t, s, null, k, f);
		for (s in x) k = x[s], "children" == s ? _ = k : "dangerouslySetInnerHTML" == s ? h = k : "value" == s ? b = k : "checked" == s ? m = k : l && "function" != typeof k || $[s] === k || N(t, s, k, $[s], f);
		h ? (l || y && (h.__html == y.__html || h.__html == t.innerHTML) || (t.innerHTML = h.__html), r.__k = []) : (y && (t.textContent = ""), ("foreignObject" == C || "http://www.w3.org/1998/Math/MathML" == f && v$2.test(C)) && (f = "http://www.w3.org/1999/xhtml"), I(a, w$3(_) ? _ : [_], r, u, i, f, o, e, o ? o[0] : u.__k && S$1(u, 0), l, c), o && o.some(g$3)), l && "textarea" != C || (s = "value", "progress" == C && null == b ? t.removeAttribute(s) : null == b || b === t[s] && ("progress" != C || b) || N(t, s, b, $[s], f), s = "checked", null != m && m != t[s] && N(t, s, m, $[s], f));
	} else $ === x || l && t.data == x || (t.data = x);
	return t;
}
function G$1(t, r, u, i) {
	try {
		"function" == typeof t ? r ? r.__x = t(r) || 1 : i && (i = i.__c || i.__e) && (r = i.__x) && (i.__x = null, "function" == typeof r ? r() : t(null)) : t.current = r;
	} catch (t) {
		n$3.__e(t, u);
	}
}
function J(t, r, u) {
	var i, f, o, e;
	if (n$3.unmount && n$3.unmount(t), !(i = t.ref) || i.current && i.current != t.__e || G$1(i, null, r, t), i = t.__c) {
		if (i.componentWillUnmount) try {
			i.componentWillUnmount();
		} catch (t) {
			n$3.__e(t, r);
		}
		i.__P = i.__n = null;
	}
	if (i = t.__k) for (e = 0; e < i.length; e++) i[e] && J(i[e], r, "function" != typeof t.type || u && !t.props.__P);
	!u && (i = t.__c) && (i = i.__z) && (f = B$1(i, o = [])) && (i == t.__e && o.some(g$3), g$3(f), g$3(i)), u || g$3(t.__e), t.__e = t.__c = t.__ = null;
}
function K(n, t, r) {
	return this.constructor(n, r);
}
function Q(t, r) {
	var u, i, f, o;
	n$3.__ && n$3.__(t, r), 9 == r.nodeType && (r = r.documentElement), i = (u = t && 32 & t.__u) ? null : r.__k, r.__k = m$3($, { children: [t] }), f = [], o = [], z$1(r, r.__k, i || p$3, p$3, r.namespaceURI, i ? null : r.firstChild ? d$3.call(r.childNodes) : null, f, i ? i.__e : r.firstChild, u, o), E$1(f, r.__k, o), r.__k.props.children = null;
}
function U(n) {
	function t(n) {
		var r, u;
		return this.getChildContext || (r = new Set(), (u = {})[t.__c] = this, this.getChildContext = function() {
			return u;
		}, this.shouldComponentUpdate = function(n) {
			this.props.value != n.value && r.forEach(function(n) {
				n.__g |= 4, L(n);
			});
		}, this.sub = function(n) {
			r.add(n);
			var t = n.componentWillUnmount;
			n.componentWillUnmount = function() {
				r.delete(n), t && t.call(n);
			};
		}), n.children;
	}
	return t.__c = "__cC" + s$2++, t.__ = n, t.Provider = (t.Consumer = function(n, t) {
		return n.children(t);
	}).contextType = t, t;
}
n$3 = { __e: function(n, t, r, u) {
	for (var i, o, e; t = t.__;) if ((i = t.__c) && !(1 & i.__g)) {
		i.__g |= 4;
		try {
			if ((e = (o = i.constructor) && o.getDerivedStateFromError) && i.setState(o.getDerivedStateFromError(n)), i.componentDidCatch && (i.componentDidCatch(n, u || {}), e = 1), e && 8 & i.__g) return void (i.__g |= 2);
		} catch (t) {
			n = t;
		}
	}
	throw f$3 = 0, n;
} }, t$2 = 0, r$2 = function(n) {
	return null != n && n.constructor === h$3;
}, x$1.prototype.setState = function(n, t) {
	var r = this.__s;
	r && r != this.state || (r = this.__s = _$2({}, this.state)), "function" == typeof n && (n = n(_$2({}, r), this.props)), n && (_$2(r, n), this.__v && (t && this.__k.push(t), L(this)));
}, x$1.prototype.forceUpdate = function(n) {
	this.__v && (this.__g |= 4, n && this.__h.push(n), L(this));
}, x$1.prototype.render = $, u$3 = [], f$3 = 0, o$3 = function(n, t) {
	return n.__v.__b - t.__v.__b;
}, e$2 = Symbol(), l$2 = /(PointerCapture)$|Capture$/i, c$2 = 0, a$3 = {}, s$2 = 0;
// node_modules/preact/hooks/dist/hooks.mjs
var t$1;
var r$1;
var u$2;
var i$1;
var o$2 = Object.is;
var f$2 = 0;
var c$1 = [];
var e$1 = [];
var a$2 = n$3;
var v$1 = a$2.__b;
var l$1 = a$2.__r;
var m$2 = a$2.diffed;
var h$2 = a$2.__c;
var s$1 = a$2.unmount;
var p$2 = a$2.__;
function y$2(n, t) {
	a$2.__h && a$2.__h(r$1, n, f$2 || t), f$2 = 0;
	var u = r$1.__H || (r$1.__H = {
		__: [],
		__h: []
	});
	return n >= u.__.length && u.__.push({}), u.__[n];
}
function d$2(n) {
	return f$2 = 1, _$1(G, n);
}
function _$1(n, u, i) {
	var f = y$2(t$1++, 2);
	if (f.t = n, !f.__c && (f.__ = [i ? i(u) : G(void 0, u), function(n) {
		var t = (f.__N || f.__)[0], r = f.t(t, n);
		o$2(t, r) || (f.__N = [r, f.__[1]], f.__c.setState({}));
	}], f.__c = r$1, !r$1.__f)) {
		r$1.__f = !0;
		var c = r$1.shouldComponentUpdate;
		r$1.shouldComponentUpdate = function(n, t, r) {
			var u = this.__H;
			if (!u) return !0;
			var i = !1, f = this.props != n;
			if (u.__.some(function(n) {
				n.__N && (i = !0, o$2(n.__[0], n.__N[0]) || (f = !0));
			}), c) {
				var e = c.call(this, n, t, r);
				return i ? e || f : e;
			}
			return !i || f;
		};
	}
	return f.__;
}
function A$1(n, u) {
	var i = y$2(t$1++, 3);
	!a$2.__s && E(i.__H, u) && (i.__P = !0, i.__ = n, i.u = u, r$1.__H.__h.push(i));
}
function T(n) {
	return f$2 = 5, w$2(function() {
		return { current: n };
	}, []);
}
function w$2(n, r) {
	var u = y$2(t$1++, 7);
	return E(u.__H, r) && (u.__ = n(), u.__H = r), u.__;
}
function j$1(n) {
	var u = r$1.context[n.__c], i = y$2(t$1++, 9);
	return i.c = n, u ? (i.__ ?? (i.__ = !0, u.sub(r$1)), u.props.value) : n.__;
}
function P() {
	var n = y$2(t$1++, 11);
	if (!n.__) {
		for (var u = r$1.__v; !u.__m && u.__;) u = u.__;
		var i = u.__m || (u.__m = [0, 0]);
		n.__ = "P" + i[0] + "-" + i[1]++;
	}
	return n.__;
}
function g$2() {
	var n;
	do {
		for (; n = e$1.shift();) try {
			C(n);
		} catch (t) {
			a$2.__e(t, { __: (n = n.__P) && n.__v });
		}
		for (; n = c$1.shift();) {
			var t = n.__H;
			if (n.__P && t) try {
				t.__h.some(C), t.__h.some(D), t.__h = [];
			} catch (r) {
				t.__h = [], a$2.__e(r, n.__v);
			}
		}
	} while (e$1.length);
}
a$2.__b = function(n) {
	r$1 = null, v$1 && v$1(n);
}, a$2.__ = function(n, t) {
	n && t.__k && t.__k.__m && (n.__m = t.__k.__m), p$2 && p$2(n, t);
}, a$2.__r = function(n) {
	l$1 && l$1(n), t$1 = 0;
	var i = (r$1 = n.__c).__H;
	i && (u$2 == r$1 ? r$1.__h = [] : (i.__h.some(C), i.__h.some(D), t$1 = 0), i.__h = [], i.__.some(function(n) {
		n.__N && (n.__ = n.__N), n.u = n.__N = void 0;
	})), u$2 = r$1;
}, a$2.diffed = function(n) {
	m$2 && m$2(n);
	var t = n.__c;
	t && t.__H && (t.__H.__h.length && B(c$1.push(t)), t.__H.__.some(function(n) {
		n.u && (n.__H = n.u);
	})), u$2 = r$1 = null;
}, a$2.__c = function(n, t) {
	t.some(function(n) {
		try {
			n.__h.some(C), n.__h = n.__h.filter(function(n) {
				return !n.__ || D(n);
			});
		} catch (t) {
			n.__h = [function() {
				throw t;
			}];
		}
	}), h$2 && h$2(n, t);
}, a$2.unmount = function(n) {
	s$1 && s$1(n);
	var t, r, u = n.__c;
	u && u.__H && (u.__H.__.some(function(u) {
		try {
			if (u.__P && u.__c) {
				if (void 0 === r) {
					for (r = n.__; r && (!r.__c || !r.__c.__P);) r = r.__;
					r = r && r.__c;
				}
				u.__P = r, B(e$1.push(u));
			} else C(u);
		} catch (n) {
			t = n;
		}
	}), u.__H = void 0, t && a$2.__e(t, u.__v));
};
var k$1 = "function" == typeof requestAnimationFrame;
function z(n) {
	var t, r = function() {
		clearTimeout(u), k$1 && cancelAnimationFrame(t), setTimeout(n);
	}, u = setTimeout(r, 35);
	k$1 && (t = requestAnimationFrame(r));
}
function B(n) {
	1 != n && i$1 == a$2.requestAnimationFrame || ((i$1 = a$2.requestAnimationFrame) || z)(g$2);
}
function C(n) {
	var t = r$1, u = n.__c;
	"function" == typeof u && (n.__c = void 0, u()), r$1 = t;
}
function D(n) {
	var t = r$1;
	n.__c = n.__(), r$1 = t;
}
function E(n, t) {
	return !n || n.length != t.length || t.some(function(t, r) {
		return !o$2(t, n[r]);
	});
}
function G(n, t) {
	return "function" == typeof t ? t(n) : t;
}
// node_modules/@preact/signals-core/dist/signals-core.module.js
var i = Symbol.for("preact-signals");
function t() {
	if (!(v > 1)) {
		var i, t = !1;
		(function() {
			var i = c;
			c = void 0;
			while (void 0 !== i) {
				var t = i.S;
				if (t.v === i.v) {
					for (var r = t.t; void 0 !== r; r = r.x) if (r.i === i.i) r.i = t.i;
				}
				i = i.o;
			}
		})();
		while (void 0 !== h$1) {
			var r = h$1;
			h$1 = void 0;
			s++;
			while (void 0 !== r) {
				var n = r.u;
				r.u = void 0;
				r.f &= -3;
				if (!(8 & r.f) && w$1(r)) try {
					r.c();
				} catch (r) {
					if (!t) {
						i = r;
						t = !0;
					}
				}
				r = n;
			}
		}
		s = 0;
		v--;
		if (t) throw i;
	} else v--;
}
function r(i) {
	if (v > 0) return i();
	u$1 = ++e;
	v++;
	try {
		return i();
	} finally {
		t();
	}
}
var n$2;
var o$1 = void 0;
function f$1(i) {
	var t = o$1, r = n$2;
	o$1 = void 0;
	n$2 = void 0;
	try {
		return i();
	} finally {
		o$1 = t;
		n$2 = r;
	}
}
var h$1 = void 0;
var v = 0;
var s = 0;
var e = 0;
var u$1 = 0;
var c = void 0;
var a$1 = 0;
function d$1(i) {
	if (void 0 !== o$1) {
		var t = i.n;
		if (void 0 === t || t.t !== o$1) {
			t = {
				i: 0,
				S: i,
				p: o$1.s,
				n: void 0,
				t: o$1,
				e: void 0,
				x: void 0,
				r: t
			};
			if (void 0 !== o$1.s) o$1.s.n = t;
			o$1.s = t;
			i.n = t;
			if (32 & o$1.f) i.S(t);
			return t;
		} else if (-1 === t.i) {
			t.i = 0;
			if (void 0 !== t.n) {
				t.n.p = t.p;
				if (void 0 !== t.p) t.p.n = t.n;
				t.p = o$1.s;
				t.n = void 0;
				o$1.s.n = t;
				o$1.s = t;
			}
			return t;
		}
	}
}
function l(i, t) {
	this.v = i;
	this.i = 0;
	this.n = void 0;
	this.t = void 0;
	this.l = 0;
	this.W = null == t ? void 0 : t.watched;
	this.Z = null == t ? void 0 : t.unwatched;
	this.name = null == t ? void 0 : t.name;
}
l.prototype.brand = i;
l.prototype.h = function() {
	return !0;
};
l.prototype.S = function(i) {
	var t = this, r = this.t;
	if (r !== i && void 0 === i.e) {
		i.x = r;
		this.t = i;
		if (void 0 !== r) r.e = i;
		else f$1(function() {
			var i;
			null == (i = t.W) || i.call(t);
		});
	}
};
l.prototype.U = function(i) {
	var t = this;
	if (void 0 !== this.t) {
		var r = i.e, n = i.x;
		if (void 0 !== r) {
			r.x = n;
			i.e = void 0;
		}
		if (void 0 !== n) {
			n.e = r;
			i.x = void 0;
		}
		if (i === this.t) {
			this.t = n;
			if (void 0 === n) f$1(function() {
				var i;
				null == (i = t.Z) || i.call(t);
			});
		}
	}
};
l.prototype.subscribe = function(i) {
	var t = this;
	return x(function() {
		var r = t.value;
		f$1(function() {
			return i(r);
		});
	}, { name: "sub" });
};
l.prototype.valueOf = function() {
	return this.value;
};
l.prototype.toString = function() {
	return this.value + "";
};
l.prototype.toJSON = function() {
	return this.value;
};
l.prototype.peek = function() {
	var i = this;
	return f$1(function() {
		return i.value;
	});
};
Object.defineProperty(l.prototype, "value", {
	get: function() {
		var i = d$1(this);
		if (void 0 !== i) i.i = this.i;
		return this.v;
	},
	set: function(i) {
		if (i !== this.v) {
			if (s > 100) throw new Error("Cycle detected");
			(function(i) {
				if (0 !== v && 0 === s) {
					if (i.l !== u$1) {
						i.l = u$1;
						c = {
							S: i,
							v: i.v,
							i: i.i,
							o: c
						};
					}
				}
			})(this);
			this.v = i;
			this.i++;
			a$1++;
			v++;
			try {
				for (var r = this.t; void 0 !== r; r = r.x) r.t.N();
			} finally {
				t();
			}
		}
	}
});
function y$1(i, t) {
	return new l(i, t);
}
function w$1(i) {
	for (var t = i.s; void 0 !== t; t = t.n) if (t.S.i !== t.i || !t.S.h() || t.S.i !== t.i) return !0;
	return !1;
}
function b$1(i) {
	for (var t = i.s; void 0 !== t; t = t.n) {
		var r = t.S.n;
		if (void 0 !== r) t.r = r;
		t.S.n = t;
		t.i = -1;
		if (void 0 === t.n) {
			i.s = t;
			break;
		}
	}
}
function _(i) {
	var t = i.s, r = void 0;
	while (void 0 !== t) {
		var n = t.p;
		if (-1 === t.i) {
			t.S.U(t);
			if (void 0 !== n) n.n = t.n;
			if (void 0 !== t.n) t.n.p = n;
		} else r = t;
		t.S.n = t.r;
		if (void 0 !== t.r) t.r = void 0;
		t = n;
	}
	i.s = r;
}
function j(i, t) {
	l.call(this, void 0, t);
	this.x = i;
	this.s = void 0;
	this.g = a$1 - 1;
	this.f = 4;
}
j.prototype = new l();
j.prototype.h = function() {
	this.f &= -3;
	if (1 & this.f) return !1;
	if (32 == (36 & this.f)) return !0;
	this.f &= -5;
	if (this.g === a$1) return !0;
	this.g = a$1;
	this.f |= 1;
	if (this.i > 0 && !w$1(this)) {
		this.f &= -2;
		return !0;
	}
	var i = o$1;
	try {
		b$1(this);
		o$1 = this;
		var t = this.x();
		if (16 & this.f || this.v !== t || 0 === this.i) {
			this.v = t;
			this.f &= -17;
			this.i++;
		}
	} catch (i) {
		this.v = i;
		this.f |= 16;
		this.i++;
	}
	o$1 = i;
	_(this);
	this.f &= -2;
	return !0;
};
j.prototype.S = function(i) {
	if (void 0 === this.t) {
		this.f |= 36;
		for (var t = this.s; void 0 !== t; t = t.n) t.S.S(t);
	}
	l.prototype.S.call(this, i);
};
j.prototype.U = function(i) {
	if (void 0 !== this.t) {
		l.prototype.U.call(this, i);
		if (void 0 === this.t) {
			this.f &= -33;
			for (var t = this.s; void 0 !== t; t = t.n) t.S.U(t);
		}
	}
};
j.prototype.N = function() {
	if (!(2 & this.f)) {
		this.f |= 6;
		for (var i = this.t; void 0 !== i; i = i.x) i.t.N();
	}
};
Object.defineProperty(j.prototype, "value", { get: function() {
	if (1 & this.f) throw new Error("Cycle detected");
	var i = d$1(this);
	this.h();
	if (void 0 !== i) i.i = this.i;
	if (16 & this.f) throw this.v;
	return this.v;
} });
function O(i, t) {
	return new j(i, t);
}
function p$1(i) {
	var r = i.j;
	i.j = void 0;
	if ("function" == typeof r) {
		v++;
		var n = o$1;
		o$1 = void 0;
		try {
			r();
		} catch (t) {
			i.f &= -2;
			i.f |= 8;
			g$1(i);
			throw t;
		} finally {
			o$1 = n;
			t();
		}
	}
}
function g$1(i) {
	for (var t = i.s; void 0 !== t; t = t.n) t.S.U(t);
	i.x = void 0;
	i.s = void 0;
	p$1(i);
}
function S(i) {
	if (o$1 !== this) throw new Error("Out-of-order effect");
	_(this);
	o$1 = i;
	this.f &= -2;
	try {
		if (8 & this.f) g$1(this);
	} finally {
		t();
	}
}
function m$1(i, t) {
	this.x = i;
	this.j = void 0;
	this.s = void 0;
	this.u = void 0;
	this.f = 32;
	this.name = null == t ? void 0 : t.name;
	if (n$2) n$2.push(this);
}
m$1.prototype.c = function() {
	var i = this.S();
	try {
		if (8 & this.f) return;
		if (void 0 === this.x) return;
		var t = this.x();
		if ("function" == typeof t) this.j = t;
	} finally {
		i();
	}
};
m$1.prototype.S = function() {
	if (1 & this.f) throw new Error("Cycle detected");
	this.f |= 1;
	this.f &= -9;
	p$1(this);
	b$1(this);
	v++;
	var i = o$1;
	o$1 = this;
	return S.bind(this, i);
};
m$1.prototype.N = function() {
	if (!(2 & this.f)) {
		this.f |= 2;
		this.u = h$1;
		h$1 = this;
	}
};
m$1.prototype.d = function() {
	this.f |= 8;
	if (!(1 & this.f)) g$1(this);
};
m$1.prototype.dispose = function() {
	this.d();
};
function x(i, t) {
	var r = new m$1(i, t);
	try {
		r.c();
	} catch (i) {
		r.d();
		throw i;
	}
	var n = r.d.bind(r);
	n[Symbol.dispose] = n;
	return n;
}
// node_modules/@preact/signals/dist/signals.module.js
var h;
var p;
var m = "undefined" != typeof window && !!window.__PREACT_SIGNALS_DEVTOOLS__;
var g = [];
x(function() {
	h = this.N;
})();
function b(i, n) {
	n$3[i] = n.bind(null, n$3[i] || function() {});
}
function y(i) {
	if (p) {
		var n = p;
		p = void 0;
		n();
	}
	p = i && i.S();
}
function w(i) {
	var n = this, r = i.data, t = useSignal(r);
	t.name = "ReactiveDom";
	t.value = r;
	var e = w$2(function() {
		var i = n, r = n.__v;
		while (r = r.__) if (r.__c) {
			r.__c.__$f |= 4;
			break;
		}
		var o = O(function() {
			var i = t.value.value;
			return 0 === i ? 0 : !0 === i ? "" : i || "";
		}), e = O(function() {
			return !Array.isArray(o.value) && !r$2(o.value);
		}), u = x(function() {
			this.N = M;
			if (e.value) {
				var n = o.value;
				if (i.__v && i.__v.__e && 3 === i.__v.__e.nodeType) i.__v.__e.data = n;
			}
		}), c = n.__$u.d;
		n.__$u.d = function() {
			u();
			c.call(this);
		};
		return [e, o];
	}, []), u = e[0], c = e[1];
	return u.value ? c.peek() : c.value;
}
w.displayName = "ReactiveTextNode";
Object.defineProperties(l.prototype, {
	constructor: {
		configurable: !0,
		value: k$2($, null).constructor
	},
	type: {
		configurable: !0,
		value: w
	},
	props: {
		configurable: !0,
		get: function() {
			var i = this;
			return { data: { get value() {
				return i.value;
			} } };
		}
	},
	__b: {
		configurable: !0,
		value: 1
	}
});
b("__b", function(i, n) {
	y();
	if ("string" == typeof n.type) {
		var r, t = n.props;
		for (var f in t) if ("children" !== f) {
			var o = t[f];
			if (o instanceof l) {
				if (!r) n.__np = r = {};
				r[f] = o;
				t[f] = o.peek();
			}
		}
	}
	i(n);
});
b("__r", function(i, r) {
	i(r);
	if (r.type !== $) {
		y();
		var t, f = r.__c;
		if (f) {
			f.__$f &= -2;
			if (void 0 === (t = f.__$u)) f.__$u = t = function(i, n) {
				var r;
				x(function() {
					r = this;
				}, { name: n });
				r.c = i;
				return r;
			}(function(i) {
				return function() {
					var n;
					if (m) null == (n = this.y) || n.call(this);
					i.__$f |= 1;
					i.setState({});
				};
			}(f), "function" == typeof r.type ? r.type.displayName || r.type.name : "");
		}
		y(t);
	}
});
b("__e", function(i, n, r, t) {
	y();
	i(n, r, t);
});
b("diffed", function(i, n) {
	y();
	var r;
	if ("string" == typeof n.type && (r = n.__e)) {
		var t = n.__np, f = n.props, o = r.U;
		if (o) for (var e in o) {
			var u = o[e];
			if (!(void 0 === u || t && e in t)) {
				u.d();
				o[e] = void 0;
			}
		}
		if (t) {
			if (!o) {
				o = {};
				r.U = o;
			}
			for (var a in t) {
				var c = o[a], v = t[a];
				if (void 0 === c) {
					c = k(r, a, v, f);
					o[a] = c;
				} else c.o(v, f);
			}
		}
	}
	i(n);
});
function k(i, n, r, t) {
	var f = n in i && void 0 === i.ownerSVGElement, o = y$1(r);
	return {
		o: function(i, n) {
			o.value = i;
			t = n;
		},
		d: x(function() {
			this.N = M;
			var r = o.value.value;
			if (t[n] !== r) {
				t[n] = r;
				if (f) i[n] = r;
				else if (null != r && (!1 !== r || "-" === n[4])) i.setAttribute(n, r);
				else i.removeAttribute(n);
			}
		})
	};
}
b("unmount", function(i, n) {
	if ("string" == typeof n.type) {
		var r = n.__e;
		if (r) {
			var t = r.U;
			if (t) {
				r.U = void 0;
				for (var f in t) {
					var o = t[f];
					if (o) o.d();
				}
			}
		}
		var e = n.__np;
		if (e) {
			var u = n.props;
			for (var a in e) u[a] = e[a];
		}
		n.__np = void 0;
	} else {
		var c = n.__c;
		if (c) {
			c.__$f |= 8;
			var v = c.__$u;
			if (v) {
				c.__$u = void 0;
				v.d();
			}
		}
	}
	i(n);
});
b("__h", function(i, n, r, t) {
	if (t < 3) n.__$f |= 2;
	i(n, r, t);
});
x$1.prototype.shouldComponentUpdate = function(i, n) {
	if (this.__R) return !0;
	var r = this.__$u, t = r && void 0 !== r.s;
	for (var f in n) return !0;
	if (this.__f || "boolean" == typeof this.u && !0 === this.u) {
		var o = 2 & this.__$f;
		if (!(t || o || 4 & this.__$f)) return !0;
		if (1 & this.__$f) return !0;
	} else {
		if (!(t || 4 & this.__$f)) return !0;
		if (3 & this.__$f) return !0;
	}
	for (var e in i) if ("__source" !== e && i[e] !== this.props[e]) return !0;
	for (var u in this.props) if (!(u in i)) return !0;
	return !1;
};
function useSignal(i, n) {
	return w$2(function() {
		return y$1(i, n);
	}, []);
}
var A = function(i) {
	queueMicrotask(function() {
		queueMicrotask(i);
	});
};
function F() {
	r(function() {
		var i;
		while (i = g.shift()) h.call(i);
	});
}
function M() {
	if (1 === g.push(this)) (n$3.requestAnimationFrame || A)(F);
}
// src/console/api.ts
var CallFailure = class extends Error {
	problem;
	constructor(problem, options) {
		super(problem.detail, options);
		this.problem = problem;
	}
};
var keyName = "kodama-key";
var Api = class {
	key;
	isKeyWanted = y$1(false);
	session = y$1(0);
	#storage;
	#project;
	constructor({ storage, project }) {
		this.#storage = storage;
		this.#project = project;
		this.key = y$1(storage.getItem(keyName));
	}
	signIn(key) {
		this.#storage.setItem(keyName, key);
		r(() => {
			this.key.value = key;
			this.isKeyWanted.value = false;
			this.session.value++;
		});
	}
	signOut() {
		this.#storage.removeItem(keyName);
		r(() => {
			this.key.value = null;
			this.isKeyWanted.value = true;
			this.session.value++;
		});
	}
	async get(path, query = {}, signal) {
		return await this.call("GET", path, {
			query,
			...signal && { signal }
		});
	}
	async call(method, path, ask = {}) {
		const text = await (await this.send(method, path, ask)).text().catch(throwUnreachable);
		return text === "" ? void 0 : JSON.parse(text);
	}
	async send(method, path, ask = {}) {
		const { query = {}, body, accept = "application/json", idempotencyKey, signal } = ask;
		const key = this.key.value;
		const project = this.#project.value;
		const response = await fetch(urlOf(path, query), {
			method,
			headers: {
				accept,
				...key !== null && { authorization: `Bearer ${key}` },
				...project !== null && { "kodama-project": project },
				...body !== void 0 && { "content-type": "application/json" },
				...idempotencyKey !== void 0 && { "idempotency-key": idempotencyKey }
			},
			...body !== void 0 && { body: JSON.stringify(body) },
			...signal && { signal },
			cache: "no-store",
			credentials: "omit",
			redirect: "error"
		}).catch(throwUnreachable);
		if (response.ok) return response;
		if (response.status === 401 && key === this.key.value) this.isKeyWanted.value = true;
		throw new CallFailure(await problemOf(response));
	}
};
function urlOf(path, query) {
	const params = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) for (const one of [value ?? []].flat()) params.append(name, String(one));
	const text = params.toString();
	return text === "" ? path : `${path}?${text}`;
}
function throwUnreachable(error) {
	if (error instanceof DOMException && error.name === "AbortError") throw error;
	throw new CallFailure({
		status: 0,
		code: "unreachable",
		detail: "kodama is not reachable"
	}, { cause: error });
}
async function problemOf(response) {
	const { status, statusText } = response;
	const fallback = {
		status,
		code: "unknown",
		detail: `${status} ${statusText}`.trim()
	};
	if (!response.headers.get("content-type")?.includes("json")) return fallback;
	const answer = await response.json().catch(() => null);
	return {
		...fallback,
		...answer
	};
}
function keyOfFragment(fragment) {
	return new URLSearchParams(fragment.replace(/^#/, "")).get("key") || null;
}
// src/console/console-context.ts
var ConsoleContext = U(null);
function useConsole() {
	const found = j$1(ConsoleContext);
	if (found === null) throw new TypeError("outside of the console");
	return found;
}
// node_modules/preact/jsx-runtime/dist/jsxRuntime.mjs
var f = Symbol.for("pv");
var o = 0;
Array.isArray;
function a(t, e, n, u, a, i) {
	e || (e = {});
	var c, l, p = e;
	if ("ref" in p && "function" != typeof t) for (l in p = {}, e) "ref" == l ? c = e[l] : p[l] = e[l];
	var s = {
		type: t,
		props: p,
		key: n,
		ref: c,
		__k: null,
		__: null,
		__b: 0,
		__e: null,
		__c: null,
		constructor: f,
		__v: --o,
		__i: -1,
		__u: 0
	};
	return (a || i) && (s.__source = a, s.__self = i), n$3.vnode && n$3.vnode(s), s;
}
// src/console/activity-line.tsx
var intervalMs = 5e3;
function ActivityLine() {
	const { log, words } = useConsole();
	const [text, setText] = d$2("");
	A$1(() => {
		let seq = log.timeline.headSeq;
		const timer = setInterval(() => {
			const { timeline } = log;
			const from = timeline.events.length - timeline.countAfter(seq);
			seq = timeline.headSeq;
			const counts = {
				opened: 0,
				closed: 0,
				reset: 0,
				refused: 0
			};
			for (let at = from; at < timeline.events.length; at++) {
				const event = timeline.events[at];
				if (event?.type === "connection_opened") counts.opened++;
				else if (event?.type === "connection_refused") counts.refused += event.refusal?.count ?? 1;
				else if (event?.connection?.closeReason === "peer_rst") counts.reset++;
				else if (event?.type === "connection_closed") counts.closed++;
			}
			setText(words.activity(counts.opened, counts.closed, counts.reset, counts.refused));
		}, intervalMs);
		return () => clearInterval(timer);
	}, [log, words]);
	return a("p", {
		class: "unseen",
		role: "status",
		children: text
	});
}
// src/console/connections-page.tsx
function ConnectionsPage({ selectedId }) {
	const { words } = useConsole();
	return a("section", {
		class: "page",
		children: [a("h1", { children: words.connections.title }), a("p", { children: selectedId })]
	});
}
// src/console/header.tsx
function Header() {
	const { api, keyboard, router, words } = useConsole();
	const page = router.page.value?.name;
	const isTable = page === "connections" || page === "connection";
	return a("header", {
		class: "top",
		children: [
			a("a", {
				class: "brand",
				href: router.href("/"),
				"aria-label": words.header.home,
				children: [a(Mark, {}), "kodama"]
			}),
			a("nav", { children: [
				a("a", {
					href: router.href("/"),
					"aria-current": page === "live" ? "page" : void 0,
					children: words.pages.live
				}),
				a("a", {
					href: router.href("/connections"),
					"aria-current": isTable ? "page" : void 0,
					children: words.pages.connections
				}),
				a("a", {
					href: "/docs/",
					target: "_blank",
					rel: "noreferrer",
					children: words.pages.docs
				})
			] }),
			a("div", {
				class: "top-end",
				children: [
					a(NodeState, {}),
					a(Place, {}),
					a("button", {
						type: "button",
						class: "quiet",
						onClick: () => {
							keyboard.isListed.value = true;
						},
						children: [a("span", {
							class: "key",
							"aria-hidden": "true",
							children: "?"
						}), a("span", {
							class: "unseen",
							children: words.header.keys
						})]
					}),
					api.key.value !== null && a("button", {
						type: "button",
						class: "quiet",
						onClick: () => api.signOut(),
						children: words.header.signOut
					})
				]
			})
		]
	});
}
function Mark() {
	return a("svg", {
		class: "mark",
		viewBox: "0 0 32 32",
		width: "20",
		height: "20",
		"aria-hidden": "true",
		children: [a("circle", {
			cx: "9",
			cy: "16",
			r: "5"
		}), a("path", { d: "M17 9a10 10 0 0 1 0 14M23 5a16 16 0 0 1 0 22" })]
	});
}
function NodeState() {
	const { log, router, words } = useConsole();
	const status = log.status.value;
	const project = router.query.value.get("project");
	if (status === null) return null;
	const { store, nodeId, version } = status;
	return a("dl", {
		class: "node",
		children: [
			project !== null && a("div", { children: [a("dt", { children: words.header.project }), a("dd", { children: project })] }),
			a("div", { children: [a("dt", {
				class: "unseen",
				children: words.header.node
			}), a("dd", {
				title: nodeId,
				children: [
					nodeId,
					" ",
					a("span", {
						class: "faint",
						children: version
					})
				]
			})] }),
			a("div", { children: [a("dt", {
				class: "unseen",
				children: "store"
			}), a("dd", {
				class: store.state === "reachable" ? void 0 : "bad",
				children: words.header.store[store.state]
			})] })
		]
	});
}
function Place() {
	const { log, playhead, state, words } = useConsole();
	const moment = playhead.moment.value;
	const { seq } = state.value;
	const { header } = words;
	const [mark, word, kind] = moment.kind === "paused" ? [
		"❚❚",
		header.paused,
		"paused"
	] : moment.kind === "past" ? [
		"⟲",
		header.past,
		"past"
	] : log.link.value === "following" ? [
		"●",
		header.live,
		"live"
	] : [
		"○",
		log.link.value === "waiting" ? header.waiting : header.connecting,
		"waiting"
	];
	return a("p", {
		class: `place ${kind}`,
		"data-place": kind,
		children: [
			a("span", {
				"aria-hidden": "true",
				children: mark
			}),
			" ",
			word,
			" ",
			a("span", {
				class: "number",
				children: header.seq(seq)
			})
		]
	});
}
// src/console/dialog.tsx
function Dialog({ title, onClose, children }) {
	const dialog = T(null);
	const titleId = P();
	A$1(() => dialog.current?.showModal(), []);
	return a("dialog", {
		ref: dialog,
		"aria-labelledby": titleId,
		onCancel: (event) => {
			event.preventDefault();
			onClose?.();
		},
		onClose: () => {
			if (onClose === null) dialog.current?.showModal();
			else onClose();
		},
		children: [a("h2", {
			id: titleId,
			children: title
		}), children]
	});
}
// src/console/use-keys.ts
function useKeys(keys) {
	const { keyboard } = useConsole();
	A$1(() => keyboard.add(keys));
}
// src/console/keys-dialog.tsx
function KeysDialog() {
	const { keyboard, words } = useConsole();
	const show = (isListed) => {
		keyboard.isListed.value = isListed;
	};
	useKeys({ "?": () => show(true) });
	if (!keyboard.isListed.value) return null;
	return a(Dialog, {
		title: words.keys.title,
		onClose: () => show(false),
		children: [
			a("dl", {
				class: "keys",
				children: Object.entries(words.keys.names).map(([keys, name]) => a("div", { children: [a("dt", { children: keys.split(" ").map((key) => a("kbd", { children: key }, key)) }), a("dd", { children: name })] }, keys))
			}),
			a("label", {
				class: "switch",
				children: [a("input", {
					type: "checkbox",
					checked: keyboard.isOn.value,
					onChange: (event) => keyboard.turn(event.currentTarget.checked)
				}), words.keys.off]
			}),
			a("p", {
				class: "actions",
				children: a("button", {
					type: "button",
					class: "main",
					onClick: () => show(false),
					children: words.keys.close
				})
			})
		]
	});
}
// src/console/listener-page.tsx
function ListenerPage({ listenerKey }) {
	const { words } = useConsole();
	return a("section", {
		class: "page",
		children: a("h1", { children: words.listener.title(listenerKey) })
	});
}
// src/console/live-page.tsx
function LivePage() {
	const { state, words } = useConsole();
	return a("section", {
		class: "page",
		children: [a("h1", { children: words.live.title }), a("p", { children: state.value.open.length })]
	});
}
// src/console/notices.tsx
function Notices() {
	const { log, words } = useConsole();
	const problem = log.problem.value;
	const expiredBelow = log.expiredBelow.value;
	return a("div", {
		role: "status",
		class: "notices",
		children: [
			problem !== null && problem.code !== "unauthenticated" && a("p", {
				class: "notice bad",
				children: problem.code === "unreachable" ? words.problem.unreachable : problem.detail
			}),
			log.isOutdated.value && a("p", {
				class: "notice",
				children: [
					words.header.outdated,
					" ",
					a("button", {
						type: "button",
						onClick: () => location.reload(),
						children: words.header.reload
					})
				]
			}),
			expiredBelow !== null && a("p", {
				class: "notice",
				children: words.header.expired(expiredBelow)
			})
		]
	});
}
// src/console/sign-in.tsx
function SignIn() {
	const { api, words } = useConsole();
	const field = T(null);
	const isRefused = api.key.value !== null;
	return a(Dialog, {
		title: words.signIn.title,
		onClose: null,
		children: a("form", {
			onSubmit: (event) => {
				event.preventDefault();
				const key = field.current?.value.trim() ?? "";
				if (key !== "") api.signIn(key);
			},
			children: [
				a("p", { children: words.signIn.why }),
				a("label", { children: [words.signIn.key, a("input", {
					ref: field,
					type: "password",
					autocomplete: "current-password",
					required: true,
					spellcheck: false,
					"aria-describedby": isRefused ? "key-refused" : void 0
				})] }),
				isRefused && a("p", {
					id: "key-refused",
					class: "bad",
					role: "alert",
					children: words.signIn.wrong
				}),
				a("p", {
					class: "actions",
					children: a("button", {
						type: "submit",
						class: "main",
						children: words.signIn.submit
					})
				})
			]
		})
	});
}
// src/console/facts.ts
function addressText(address) {
	const { ip, port } = address;
	return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
// src/console/time-bar.tsx
var speeds = [
	1,
	10,
	"all"
];
var curveCount = 160;
function TimeBar() {
	const { log, playhead, state, words } = useConsole();
	const { seq, event } = state.value;
	const { timeline } = log;
	const { firstSeq, headSeq } = timeline;
	const isEmpty = timeline.events.length === 0;
	const { timeBar } = words;
	const seqMin = Math.max(0, firstSeq - 1);
	return a("footer", {
		class: "time-bar",
		children: isEmpty ? a("p", {
			class: "faint",
			children: timeBar.empty
		}) : a($, { children: [a("div", {
			class: "track",
			children: [
				a("span", {
					class: "number",
					children: words.count(firstSeq)
				}),
				a("div", {
					class: "rail",
					children: [a(Curve, {}), a("input", {
						type: "range",
						min: seqMin,
						max: headSeq,
						value: seq,
						"aria-label": timeBar.place,
						"aria-valuetext": timeBar.placeText(seq, headSeq),
						title: timeBar.counters,
						onInput: (input) => playhead.goTo(Number(input.currentTarget.value))
					})]
				}),
				a("span", {
					class: "number",
					children: words.count(headSeq)
				})
			]
		}), a("div", {
			class: "controls",
			children: [
				a("div", {
					class: "buttons",
					children: [
						a(Step, {
							label: timeBar.toStart,
							mark: "⏮",
							onClick: () => playhead.goTo(seqMin)
						}),
						a(Step, {
							label: timeBar.back,
							mark: "◀",
							onClick: () => playhead.step(-1)
						}),
						a(Step, {
							label: timeBar.forward,
							mark: "▶",
							onClick: () => playhead.step(1)
						}),
						a("button", {
							type: "button",
							disabled: playhead.seq.value === null,
							onClick: () => playhead.goLive(),
							children: [a("span", {
								"aria-hidden": "true",
								children: "⏭ "
							}), timeBar.toLive]
						})
					]
				}),
				a(PlayButtons, {}),
				event !== null && a(EventText, { event })
			]
		})] })
	});
}
function Step({ label, mark, onClick }) {
	return a("button", {
		type: "button",
		"aria-label": label,
		title: label,
		onClick,
		children: a("span", {
			"aria-hidden": "true",
			children: mark
		})
	});
}
function PlayButtons() {
	const { playhead, words } = useConsole();
	const { timeBar } = words;
	const playing = playhead.speed.value;
	return a("fieldset", {
		class: "buttons",
		children: [a("legend", { children: playing === null ? timeBar.play : timeBar.stop }), speeds.map((speed) => a("button", {
			type: "button",
			"aria-pressed": playing === speed,
			"aria-label": `${timeBar.play}, ${timeBar.speedNames[speed]}`,
			onClick: () => playing === speed ? playhead.stop() : playhead.play(speed),
			children: timeBar.speeds[speed]
		}, speed))]
	});
}
function EventText({ event }) {
	const { words } = useConsole();
	const { connection, listener, refusal } = event;
	const address = (connection ?? refusal)?.raddr ?? listener?.laddr;
	return a("p", {
		class: "event",
		children: [
			a("span", {
				class: "faint",
				children: ["#", event.seq]
			}),
			" ",
			words.event[event.type] ?? event.type,
			address && a("span", {
				class: "mono",
				children: [" ", addressText(address)]
			}),
			" ",
			a("time", {
				class: "faint",
				dateTime: event.time,
				children: event.time.slice(11, 23)
			})
		]
	});
}
function Curve() {
	const { log, words } = useConsole();
	const counts = log.timeline.openCounts(curveCount, ({ connection }) => connection !== void 0);
	const most = Math.max(1, ...counts);
	const points = counts.map((count, at) => `${at},${(1 - count / most) * 28 + 2}`);
	const last = 159;
	return a("svg", {
		class: "curve",
		viewBox: `0 0 ${last} 30`,
		preserveAspectRatio: "none",
		"aria-hidden": "true",
		children: [a("title", { children: words.timeBar.open }), a("path", { d: `M0,30 L${points.join(" L")} L${last},30 Z` })]
	});
}
// src/console/app.tsx
function App() {
	const { api, playhead, router, words } = useConsole();
	useKeys({
		" ": () => playhead.togglePause(),
		"[": () => playhead.step(-1),
		"]": () => playhead.step(1),
		l: () => playhead.goLive(),
		1: () => router.go(router.href("/")),
		2: () => router.go(router.href("/connections"))
	});
	usePlaceInUrl();
	return a($, { children: [
		a("a", {
			class: "skip",
			href: "#content",
			children: words.header.skip
		}),
		a(Header, {}),
		a(Notices, {}),
		a("main", {
			id: "content",
			tabIndex: -1,
			children: a(CurrentPage, {})
		}),
		a(TimeBar, {}),
		a(ActivityLine, {}),
		a(KeysDialog, {}),
		api.isKeyWanted.value && a(SignIn, {})
	] });
}
function CurrentPage() {
	const { router, words } = useConsole();
	const page = router.page.value;
	switch (page?.name) {
		case "live": return a(LivePage, {});
		case "connections": return a(ConnectionsPage, { selectedId: null });
		case "connection": return a(ConnectionsPage, { selectedId: page.id });
		case "listener": return a(ListenerPage, { listenerKey: page.key }, page.key);
		case void 0: return a("section", {
			class: "page",
			children: [a("h1", { children: words.problem.lost }), a("a", {
				href: router.href("/"),
				children: words.problem.toLive
			})]
		});
	}
}
var urlDelayMs = 250;
function usePlaceInUrl() {
	const { playhead, router } = useConsole();
	const moment = playhead.moment.value;
	A$1(() => {
		const at = moment.kind === "past" ? moment.seq : null;
		const timer = setTimeout(() => router.change({ at }), urlDelayMs);
		return () => clearTimeout(timer);
	}, [router, moment]);
}
// src/console/keyboard.ts
var storageName = "kodama-keys";
var takers = "input, select, textarea, [contenteditable], dialog";
var pressed = "button, a, summary";
var Keyboard = class {
	isOn;
	isListed = y$1(false);
	#storage;
	#layers = [];
	constructor(target, storage) {
		this.#storage = storage;
		this.isOn = y$1(storage.getItem(storageName) !== "off");
		target.addEventListener("keydown", (event) => this.#press(event));
	}
	turn(isOn) {
		this.isOn.value = isOn;
		this.#storage.setItem(storageName, isOn ? "on" : "off");
	}
	add(keys) {
		this.#layers.unshift(keys);
		return () => void this.#layers.splice(this.#layers.indexOf(keys), 1);
	}
	#press(event) {
		const { key, target } = event;
		if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
		if (!this.isOn.value && key.length === 1) return;
		if (!(target instanceof Element) || target.closest(takers) !== null) return;
		if ((key === " " || key === "Enter") && target.closest(pressed) !== null) return;
		const action = this.#layers.find((keys) => Object.hasOwn(keys, key))?.[key];
		if (action === void 0) return;
		event.preventDefault();
		action(event);
	}
};
// src/console/draw-pace.ts
var costShare = 1 / 8;
var waitMsMax = 1e3;
var DrawPace = class {
	#options;
	#isAsked = false;
	#isWaiting = false;
	#restMs = 0;
	#endedAt = Number.NEGATIVE_INFINITY;
	constructor(options) {
		this.#options = options;
	}
	ask() {
		this.#isAsked = true;
		if (this.#isWaiting) return;
		this.#isWaiting = true;
		const { now, onFrame, onTimer } = this.#options;
		const leftMs = this.#endedAt + this.#restMs - now();
		if (leftMs > 0) onTimer(() => onFrame(() => this.#draw()), leftMs);
		else onFrame(() => this.#draw());
	}
	#draw() {
		const { draw, now, afterFrame } = this.#options;
		const startedAt = now();
		this.#isAsked = false;
		draw();
		afterFrame(() => {
			this.#endedAt = now();
			const costMs = this.#endedAt - startedAt;
			this.#restMs = Math.min(costMs / costShare - costMs, waitMsMax);
			this.#isWaiting = false;
			if (this.#isAsked) this.ask();
		});
	}
};
function browserPace(draw) {
	const { port1, port2 } = new MessageChannel();
	let painted = null;
	port1.onmessage = () => painted?.();
	return new DrawPace({
		draw,
		now: () => performance.now(),
		onFrame: (callback) => requestAnimationFrame(callback),
		afterFrame: (callback) => {
			painted = callback;
			port2.postMessage(null);
		},
		onTimer: (callback, delayMs) => setTimeout(callback, delayMs)
	});
}
// src/console/log-stream.ts
var retryMsMin = 500;
var retryMsMax = 1e4;
var finalCodes = new Set([
	"unauthenticated",
	"invalid_argument",
	"permission_denied"
]);
async function* followLog(options) {
	const { signal, shown, delay } = options;
	let { start } = options;
	let retryMs = retryMsMin;
	while (!signal.aborted) {
		await shown(signal);
		try {
			for await (const item of streamOnce({
				...options,
				start
			})) {
				start = { afterSeq: item.seq };
				retryMs = retryMsMin;
				yield item;
			}
			yield {
				kind: "waiting",
				problem: null
			};
		} catch (error) {
			if (signal.aborted) return;
			if (!(error instanceof CallFailure)) throw error;
			const { problem } = error;
			if (finalCodes.has(problem.code)) throw error;
			if (problem.code === "cursor_expired") {
				const oldestSeq = Number(problem.oldestSeq ?? 1);
				start = { afterSeq: oldestSeq - 1 };
				yield {
					kind: "expired",
					oldestSeq
				};
				continue;
			}
			yield {
				kind: "waiting",
				problem
			};
			await delay(retryMs, signal);
			retryMs = Math.min(retryMs * 2, retryMsMax);
		}
	}
}
async function* streamOnce(options) {
	const { open, start, signal, hidden } = options;
	const cut = new AbortController();
	const either = AbortSignal.any([signal, cut.signal]);
	const watch = hidden(either).then(() => cut.abort());
	try {
		yield* readItems(await open(start, either));
	} catch (error) {
		if (!cut.signal.aborted || signal.aborted) throw asCut(error);
	} finally {
		cut.abort();
		await watch;
	}
}
function asCut(error) {
	if (!(error instanceof TypeError)) return error;
	return new CallFailure({
		status: 0,
		code: "unreachable",
		detail: "the stream was cut"
	}, { cause: error });
}
async function* readItems(body) {
	const reader = body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			const lines = (rest + value).split("\n");
			rest = lines.pop() ?? "";
			yield* itemsOf(lines.map((line) => JSON.parse(line)));
		}
	} finally {
		await reader.cancel().catch(() => void 0);
	}
}
function* itemsOf(lines) {
	let events = [];
	let seq;
	for (const line of lines) {
		if (line.error !== void 0) {
			if (seq !== void 0) yield {
				kind: "events",
				events,
				seq
			};
			throw new CallFailure(line.error);
		}
		if (line.event !== void 0) events.push(line.event);
		seq = line.seq ?? seq;
		if (line.synced === void 0 || seq === void 0) continue;
		if (events.length > 0) yield {
			kind: "events",
			events,
			seq
		};
		events = [];
		yield {
			kind: "synced",
			seq
		};
	}
	if (seq !== void 0 && lines.length > 0) yield {
		kind: "events",
		events,
		seq
	};
}
// src/console/listener-versions.ts
var ListenerVersions = class {
	#versions = new Map();
	know(listeners) {
		for (const listener of listeners) this.#of(listener.id).listed = listener;
	}
	note(seq, view) {
		this.#of(view.id).inside.push({
			seq,
			view
		});
	}
	forget(seq, id) {
		const versions = this.#of(id);
		const [first] = versions.inside;
		if (first?.seq !== seq) return;
		versions.inside.shift();
		versions.before = first.view;
		if (first.view.state === "closed" && versions.inside.length === 0) this.#versions.delete(id);
	}
	at(seq) {
		const found = [];
		for (const versions of this.#versions.values()) {
			const view = seq === null ? latest(versions) : viewAt$1(versions, seq);
			if (view !== null && view.state !== "closed") found.push(view);
		}
		return found.sort((one, other) => one.id < other.id ? -1 : 1);
	}
	#of(id) {
		const versions = this.#versions.get(id) ?? {
			listed: null,
			before: null,
			inside: []
		};
		this.#versions.set(id, versions);
		return versions;
	}
};
function latest({ listed, before, inside }) {
	const told = inside.at(-1)?.view ?? before;
	if (told === null || listed === null) return told ?? listed;
	if (told.updatedAt > listed.updatedAt || told.state === "closed") return told;
	return listed;
}
function viewAt$1({ listed, before, inside }, seq) {
	const told = inside.findLast((version) => version.seq <= seq)?.view ?? before;
	if (told !== null) return told;
	const [first] = inside;
	if (first === void 0) return listed;
	const { view } = first;
	if (view.createdAt === view.updatedAt && view.state !== "closed") return null;
	return {
		...view,
		state: "listening",
		reason: null,
		closedAt: null
	};
}
// src/console/timeline.ts
var timelineLimits = {
	eventsMax: 5e4,
	knownMax: 1e4
};
var Timeline = class {
	#limits;
	#lives = new Map();
	#listeners = new ListenerVersions();
	#events = [];
	#headSeq = 0;
	#knownCount = 0;
	#isCut = false;
	constructor(limits = timelineLimits) {
		this.#limits = limits;
	}
	get headSeq() {
		return this.#headSeq;
	}
	get firstSeq() {
		return this.#events[0]?.seq ?? this.#headSeq + 1;
	}
	get events() {
		return this.#events;
	}
	get isWhole() {
		return !this.#isCut;
	}
	append(events, seq) {
		for (const event of events) {
			if (event.seq <= (this.#events.at(-1)?.seq ?? 0)) continue;
			this.#events.push(event);
			this.#note(event);
		}
		this.#headSeq = Math.max(this.#headSeq, seq);
		if (this.#events.length > this.#limits.eventsMax * 1.125) this.#forgetOldest();
	}
	know(connections, isCut = false) {
		this.#isCut ||= isCut;
		for (const connection of connections) {
			if (connection.state === "closed") continue;
			const life = this.#lives.get(connection.id);
			if (life === void 0) this.#add(connection.id, {
				...noLife,
				known: connection
			});
			else if (life.opened === null && life.known === null) this.#keep(life, connection);
		}
	}
	knowListeners(listeners) {
		this.#listeners.know(listeners);
	}
	countAfter(seq) {
		return this.#events.length - this.#indexAfter(seq);
	}
	stateAt(at) {
		const seq = at ?? this.#headSeq;
		const startedAt = this.#events[0]?.time ?? "";
		const open = [];
		const closed = [];
		for (const life of this.#lives.values()) {
			const view = viewAt(life, seq, startedAt);
			if (view?.state === "closed") closed.push(view);
			else if (view !== null) open.push(view);
		}
		return {
			seq,
			event: this.#events[this.#indexAfter(seq) - 1] ?? null,
			listeners: this.#listeners.at(at),
			open,
			closed
		};
	}
	openCounts(count, isCounted) {
		const { firstSeq, headSeq } = this;
		const counts = [];
		const places = Math.max(headSeq - firstSeq, 1) / Math.max(count - 1, 1);
		let open = 0;
		for (const event of this.#events) {
			while (counts.length < count && event.seq > firstSeq + counts.length * places + 1e-6) counts.push(open);
			if (!isCounted(event)) continue;
			if (event.type === "connection_opened") open++;
			else if (event.type === "connection_closed") open--;
		}
		while (counts.length < count) counts.push(open);
		const before = this.#openBefore(isCounted, Math.max(0, -Math.min(0, ...counts)));
		return counts.map((one) => one + before);
	}
	step(seq, by) {
		const index = this.#indexAfter(seq);
		if (by === 1) return this.#events[index]?.seq ?? null;
		const current = this.#events[index - 1];
		if (current === void 0) return null;
		return current.seq < seq ? current.seq : this.#events[index - 2]?.seq ?? firstState(current);
	}
	#openBefore(isCounted, least) {
		let count = 0;
		for (const { opened, closed, known, halfClosed } of this.#lives.values()) {
			if (opened !== null) continue;
			const connection = (closed ?? halfClosed)?.connection ?? known;
			if (connection && isCounted({
				...sample,
				connection,
				listenerId: connection.listenerId
			})) count++;
		}
		return Math.max(count, least);
	}
	#indexAfter(seq) {
		let [from, to] = [0, this.#events.length];
		while (from < to) {
			const middle = from + to >>> 1;
			if ((this.#events[middle]?.seq ?? 0) <= seq) from = middle + 1;
			else to = middle;
		}
		return from;
	}
	#note(event) {
		if (event.listener !== void 0) this.#listeners.note(event.seq, event.listener);
		const { connection } = event;
		if (connection === void 0) return;
		const life = this.#lives.get(connection.id) ?? this.#add(connection.id, { ...noLife });
		if (event.type === "connection_opened") {
			life.opened = event;
			this.#keep(life, null);
		} else if (event.type === "connection_half_closed") life.halfClosed = event;
		else if (event.type === "connection_closed") life.closed = event;
	}
	#add(id, life) {
		this.#lives.set(id, life);
		if (life.known !== null) this.#knownCount++;
		return life;
	}
	#keep(life, known) {
		this.#knownCount += Number(known !== null) - Number(life.known !== null);
		life.known = known;
	}
	#forgetOldest() {
		const gone = this.#events.splice(0, this.#events.length - this.#limits.eventsMax);
		for (const event of gone) {
			if (event.listener !== void 0) this.#listeners.forget(event.seq, event.listener.id);
			if (event.connection !== void 0) this.#forget(event, event.connection);
		}
		if (this.#knownCount <= this.#limits.knownMax) return;
		for (const [id, life] of this.#lives) {
			if (life.known === null || life.closed !== null) continue;
			this.#lives.delete(id);
			this.#isCut = true;
			if (--this.#knownCount <= this.#limits.knownMax) return;
		}
	}
	#forget(event, connection) {
		const life = this.#lives.get(connection.id);
		if (life === void 0) return;
		if (event.type === "connection_closed") {
			this.#lives.delete(connection.id);
			this.#keep(life, null);
			return;
		}
		this.#keep(life, connection);
		if (event === life.opened) life.opened = null;
		if (event === life.halfClosed) life.halfClosed = null;
	}
};
var noLife = {
	known: null,
	opened: null,
	halfClosed: null,
	closed: null
};
var sample = {
	seq: 0,
	time: "",
	type: "connection_opened"
};
function firstState({ seq }) {
	return seq === 1 ? 0 : null;
}
function viewAt(life, seq, startedAt) {
	const { known, opened, halfClosed, closed } = life;
	if (opened !== null && opened.seq > seq) return null;
	if (closed !== null && closed.seq <= seq) return closed.connection ?? null;
	if (halfClosed !== null && halfClosed.seq <= seq) return halfClosed.connection ?? null;
	if (opened !== null) return opened.connection ?? null;
	if (halfClosed === null && known !== null) return known;
	return beforeIts(halfClosed ?? closed, startedAt);
}
function beforeIts(event, startedAt) {
	const connection = event?.connection;
	if (connection === void 0 || event === null) return null;
	const end = {
		closedAt: null,
		closeInitiator: null,
		closeReason: null,
		error: null
	};
	const { halfClosedAt } = connection;
	if (event.type === "connection_closed" && halfClosedAt !== null && halfClosedAt < startedAt) return {
		...connection,
		...end,
		state: "half_closed"
	};
	return {
		...connection,
		...end,
		state: "open",
		halfClosedAt: null
	};
}
// src/console/live-log.ts
var windowSize = 1e4;
var pageSize = 1e3;
var pagesMax = 10;
var refreshMs = 5e3;
var LiveLog = class {
	status = y$1(null);
	link = y$1("connecting");
	problem = y$1(null);
	expiredBelow = y$1(null);
	isOutdated = y$1(false);
	drawing;
	#drawing = y$1(0);
	#api;
	#pace;
	#end = new AbortController();
	#timer;
	#unwatch;
	#run = new AbortController();
	#timeline = new Timeline();
	#isRefreshing = false;
	#isListed = false;
	constructor(api, project) {
		this.#api = api;
		this.drawing = this.#drawing;
		this.#pace = browserPace(() => {
			this.#drawing.value++;
		});
		this.#timer = setInterval(() => void this.#refreshShown(), refreshMs);
		this.#unwatch = x(() => {
			api.session.value, project.value;
			this.#restart();
		});
	}
	[Symbol.dispose]() {
		clearInterval(this.#timer);
		this.#unwatch();
		this.#end.abort();
		this.#run.abort();
	}
	get timeline() {
		return this.#timeline;
	}
	draw() {
		this.#pace.ask();
	}
	async refresh() {
		if (this.#isRefreshing || this.#api.isKeyWanted.value) return;
		this.#isRefreshing = true;
		const { signal } = this.#run;
		try {
			const status = await this.#api.get("/v1/status", {}, signal);
			const before = this.status.value;
			this.isOutdated.value ||= before !== null && before.version !== status.version;
			this.status.value = status;
			const { listeners } = await this.#api.get("/v1/listeners", { pageSize }, signal);
			this.#timeline.knowListeners(listeners);
			if (this.link.value === "following") this.problem.value = null;
			this.#pace.ask();
		} catch (error) {
			this.#tell(error);
		} finally {
			this.#isRefreshing = false;
		}
	}
	async #refreshShown() {
		if (document.visibilityState === "visible") await this.refresh();
	}
	#restart() {
		this.#run.abort();
		this.#run = new AbortController();
		this.#startAnew();
		this.link.value = "connecting";
		this.problem.value = null;
		this.#pace.ask();
		if (!this.#api.isKeyWanted.peek()) this.#follow(this.#run.signal);
	}
	#startAnew() {
		this.#timeline = new Timeline();
		this.#isListed = false;
	}
	async #follow(signal) {
		try {
			const items = followLog({
				open: (start, cut) => this.#open(start, cut),
				start: { last: windowSize },
				signal,
				shown: (given) => visibility("visible", given),
				hidden: (given) => visibility("hidden", given),
				delay
			});
			for await (const item of items) this.#take(item, signal);
		} catch (error) {
			this.link.value = "waiting";
			this.#tell(error);
		}
	}
	async #open(start, signal) {
		const { body } = await this.#api.send("GET", "/v1/events", {
			query: start,
			accept: "application/x-ndjson",
			signal
		});
		if (body === null) throw new TypeError("a stream without a body");
		return body;
	}
	#take(item, signal) {
		switch (item.kind) {
			case "events":
				this.#timeline.append(item.events, item.seq);
				break;
			case "synced":
				this.#timeline.append([], item.seq);
				this.link.value = "following";
				this.problem.value = null;
				this.#readLists(signal);
				break;
			case "waiting":
				this.link.value = "waiting";
				this.problem.value = item.problem;
				break;
			case "expired":
				this.expiredBelow.value = item.oldestSeq;
				this.#startAnew();
		}
		this.#pace.ask();
	}
	async #readLists(signal) {
		try {
			await this.refresh();
			if (this.#isListed) return;
			for (const state of ["half_closed", "open"]) await this.#readOpen(state, signal);
			this.#isListed = true;
		} catch (error) {
			this.#tell(error);
		}
	}
	async #readOpen(state, signal) {
		let pageToken;
		for (let page = 1; page <= pagesMax; page++) {
			const query = {
				state,
				pageSize,
				pageToken
			};
			const answer = await this.#api.get("/v1/connections", query, signal);
			pageToken = answer.nextPageToken;
			this.#timeline.know(answer.connections, page === pagesMax && pageToken !== void 0);
			this.#pace.ask();
			if (pageToken === void 0) return;
		}
	}
	#tell(error) {
		if (error instanceof DOMException && error.name === "AbortError") return;
		if (!(error instanceof CallFailure)) throw error;
		this.problem.value = error.problem;
	}
};
function visibility(state, signal) {
	return new Promise((resolve) => {
		const look = () => {
			if (document.visibilityState !== state && !signal.aborted) return;
			document.removeEventListener("visibilitychange", look);
			signal.removeEventListener("abort", look);
			resolve();
		};
		document.addEventListener("visibilitychange", look);
		signal.addEventListener("abort", look);
		look();
	});
}
function delay(ms, signal) {
	return new Promise((resolve) => {
		const timer = setTimeout(done, ms);
		function done() {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			resolve();
		}
		signal.addEventListener("abort", done);
	});
}
// src/console/playhead.ts
var gapMsMax = 1500;
var Playhead = class {
	#options;
	#moment;
	#speed = y$1(null);
	moment;
	seq;
	speed = this.#speed;
	#stop = () => void 0;
	constructor(options) {
		this.#options = options;
		this.#moment = y$1(options.start);
		this.moment = this.#moment;
		this.seq = O(() => "seq" in this.#moment.value ? this.#moment.value.seq : null);
	}
	goLive() {
		this.stop();
		this.#moment.value = { kind: "live" };
	}
	pause() {
		this.stop();
		if (this.#moment.value.kind !== "live") return;
		this.#moment.value = {
			kind: "paused",
			seq: this.#options.track().headSeq
		};
	}
	togglePause() {
		if (this.#moment.value.kind === "live") this.pause();
		else this.goLive();
	}
	goTo(seq) {
		this.stop();
		this.#set(seq);
	}
	step(by) {
		this.stop();
		const next = this.#options.track().step(this.#place, by);
		if (next !== null) this.#set(next);
	}
	play(speed) {
		this.stop();
		const track = this.#options.track();
		if (this.#place >= track.headSeq) this.#set(track.firstSeq - 1);
		this.#speed.value = speed;
		this.#advance(speed);
	}
	stop() {
		this.#stop();
		this.#stop = () => void 0;
		this.#speed.value = null;
	}
	get #place() {
		return this.seq.value ?? this.#options.track().headSeq;
	}
	#set(seq) {
		const { headSeq } = this.#options.track();
		this.#moment.value = {
			kind: "past",
			seq: Math.max(0, Math.min(seq, headSeq))
		};
	}
	#advance(speed) {
		let dueAt = 0;
		const turn = (nowMs) => {
			const track = this.#options.track();
			let next = track.step(this.#place, 1);
			for (let left = perFrameMax; next !== null && dueAt <= nowMs && left > 0; left--) {
				const gapMs = speed === "all" ? frameMs : gapOf(track, next) / speed;
				dueAt = Math.max(dueAt, nowMs - frameMs) + Math.min(gapMs, gapMsMax);
				this.#set(next);
				next = track.step(next, 1);
			}
			if (next === null) this.goLive();
			else this.#stop = this.#options.onFrame(turn);
		};
		this.#stop = this.#options.onFrame(turn);
	}
};
var frameMs = 16;
var perFrameMax = 1e3;
function gapOf({ events, firstSeq }, seq) {
	const at = seq - firstSeq;
	const [event, next] = [events[at], events[at + 1]];
	if (event === void 0 || next === void 0) return 0;
	return Math.max(0, Date.parse(next.time) - Date.parse(event.time));
}
// src/console/router.ts
function pageOf(path) {
	const [, first = "", second = "", ...rest] = path.split("/");
	if (rest.length > 0) return null;
	if (first === "") return second === "" ? { name: "live" } : null;
	const word = decode(second);
	if (first === "connections" && word !== null) return word === "" ? { name: "connections" } : {
		name: "connection",
		id: word
	};
	if (first === "listeners" && word) return {
		name: "listener",
		key: word
	};
	return null;
}
function decode(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return null;
	}
}
function changedQuery(search, change) {
	const params = new URLSearchParams(search);
	for (const [name, value] of Object.entries(change)) {
		params.delete(name);
		for (const one of [value ?? []].flat()) params.append(name, String(one));
	}
	const text = params.toString();
	return text === "" ? "" : `?${text}`;
}
var kept = ["project", "at"];
var Router = class {
	#window;
	#url;
	page;
	query;
	constructor(window) {
		this.#window = window;
		this.#url = y$1(new URL(window.location.href));
		this.page = O(() => pageOf(this.#url.value.pathname));
		this.query = O(() => this.#url.value.searchParams);
		window.addEventListener("popstate", () => this.#read());
		window.document.addEventListener("click", (event) => this.#follow(event));
	}
	href(path, change = {}) {
		const carried = kept.map((name) => [name, this.query.value.get(name)]);
		return path + changedQuery("", {
			...Object.fromEntries(carried),
			...change
		});
	}
	go(url) {
		this.#window.history.pushState(null, "", url);
		this.#read();
		this.#window.scrollTo(0, 0);
	}
	change(change) {
		const { pathname, search } = this.#url.value;
		const next = pathname + changedQuery(search, change);
		if (next === pathname + search) return;
		this.#window.history.replaceState(null, "", next);
		this.#read();
	}
	#read() {
		this.#url.value = new URL(this.#window.location.href);
	}
	#follow(event) {
		if (event.defaultPrevented || event.button !== 0) return;
		if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
		const link = event.target instanceof Element ? event.target.closest("a") : null;
		if (link === null || link.target !== "" || link.hasAttribute("download")) return;
		if (link.origin !== this.#window.location.origin || pageOf(link.pathname) === null) return;
		event.preventDefault();
		this.go(link.pathname + link.search);
	}
};
// src/console/words-english.ts
var count$1 = new Intl.NumberFormat("en");
var n$1 = (value) => count$1.format(value);
var some = (value, one, more = `${one}s`) => `${n$1(value)} ${value === 1 ? one : more}`;
var english = {
	language: "en",
	count: n$1,
	pages: {
		live: "Live",
		connections: "Connections",
		docs: "API"
	},
	header: {
		home: "kodama, live",
		node: "node",
		store: {
			reachable: "store ok",
			away: "store away"
		},
		connecting: "connecting",
		live: "live",
		paused: "paused",
		past: "at",
		waiting: "reconnecting",
		seq: (seq) => `seq ${n$1(seq)}`,
		rate: (perSecond) => `${n$1(perSecond)} events/s`,
		project: "Project",
		ownProject: "own",
		signOut: "Sign out",
		keys: "Keys",
		outdated: "kodama was updated.",
		reload: "Reload",
		expired: (seq) => `Events before seq ${n$1(seq)} are past their retention.`,
		skip: "Skip to the content"
	},
	signIn: {
		title: "Sign in",
		why: "This kodama asks for a key. It is kept for this tab only.",
		wrong: "This key is not known here.",
		key: "Key",
		submit: "Sign in"
	},
	problem: {
		unreachable: "kodama is not reachable. The page goes on by itself once it is.",
		lost: "There is no such page.",
		toLive: "To the live picture"
	},
	copy: {
		copy: "Copy",
		copied: "Copied",
		failed: "Not copied"
	},
	timeBar: {
		place: "Place in the log",
		placeText: (seq, head) => `seq ${n$1(seq)} of ${n$1(head)}`,
		toStart: "To the oldest event here",
		back: "One event back",
		forward: "One event on",
		toLive: "Live",
		play: "Play",
		speeds: {
			1: "1×",
			10: "10×",
			all: "all"
		},
		speedNames: {
			1: "in real time",
			10: "ten times as fast",
			all: "as fast as it draws"
		},
		stop: "Stop",
		pause: "Pause",
		empty: "The log is empty: what happens will be here.",
		open: "open connections at each event",
		counters: "Byte counters are those of the event before."
	},
	keys: {
		title: "Keys",
		off: "Keys of one letter are on",
		close: "Close",
		names: {
			"/": "Filter",
			"j k ↓ ↑": "Rows",
			Enter: "Details",
			Esc: "Back",
			Space: "Pause, go on",
			"[ ]": "One event back, on",
			l: "Live",
			n: "New listener",
			"1 2": "Pages",
			"?": "This list"
		}
	},
	activity: (opened, closed, reset, refused) => [
		opened > 0 && `${n$1(opened)} opened`,
		closed > 0 && `${n$1(closed)} closed`,
		reset > 0 && `${n$1(reset)} reset`,
		refused > 0 && `${n$1(refused)} refused`
	].filter((part) => part !== false).join(", "),
	event: {
		listener_created: "listener created",
		listener_listening: "listening",
		listener_failed: "listener failed",
		listener_updated: "listener changed",
		listener_closed: "listener closed",
		connection_opened: "accepted",
		connection_half_closed: "FIN from the client",
		connection_closed: "closed",
		connection_refused: "refused"
	},
	live: {
		title: "Live",
		emptyTitle: "Nothing listens yet.",
		emptyText: "What you will see: a process, its listening socket, and a new socket for every client.",
		open: "Open an echo listener",
		openHint: "TCP, 127.0.0.1, any free port",
		fromTerminal: "Or from a terminal",
		listeners: "Listeners",
		connectTitle: "Connect, and watch",
		connectText: "Run one of these in a terminal. What you type comes back.",
		connectBash: "bash",
		connectNc: "nc",
		connectPython: "python, from an address of your choice",
		connectUdp: "bash, a datagram",
		connectTls: "openssl",
		state: {
			pending: "starting",
			listening: "listening",
			failed: "failed",
			draining: "draining",
			closed: "closed"
		},
		openCount: (open) => `${n$1(open)} open`,
		everCount: (ever) => `${n$1(ever)} ever`,
		perMinute: (rate) => `${n$1(rate)}/min`,
		close: "Close listener",
		closeSure: "Close it, with all its connections?",
		closeYes: "Close",
		closeNo: "Keep",
		faults: (count) => count === 0 ? "Faults" : some(count, "fault"),
		picture: "Picture",
		clients: "Clients",
		clientsHint: "their raddr, as the server sees it",
		server: "Server",
		host: "host",
		controlPlane: "control plane",
		controlPlaneHint: "never touches an echoed byte",
		worker: "worker",
		fork: "fork",
		fd: "fd",
		laddr: "laddr",
		raddr: "raddr",
		stateTitle: "state",
		listening: "listening socket",
		accepted: "accepted socket",
		otherFds: "other fds are not on record",
		open1: "open",
		halfClosed: "half-closed",
		gone: "freed",
		closedClient: "closed",
		ports: (count) => some(count, "port"),
		run: (from, to) => from === to ? `${from}` : `${from}–${to}`,
		acceptedCount: (count) => `${n$1(count)} accepted`,
		sessions: (count) => some(count, "session"),
		moreHosts: (hosts, connections) => `and ${some(hosts, "more host", "more hosts")} · ${some(connections, "connection")}`,
		morePorts: (ports) => `and ${some(ports, "more port", "more ports")}`,
		unknownHost: "address unknown",
		notAll: (known, open) => `Drawn from ${n$1(known)} of ${n$1(open)} open connections: the newest that the page holds.`,
		noClients: "No client is connected.",
		noWorker: "No worker is up.",
		facts: "What this shows",
		noFacts: "Connect a client, then a second one from another address.",
		bothEnds: "Both ends of this connection",
		serverEnd: "Server’s socket",
		clientEnd: "Client’s socket",
		unknown: "unknown here",
		mirror: "A server can not know the client’s pid and fd: a socket address is all that either side has of the other.",
		details: "Details",
		unselect: "Close",
		pid: "pid",
		pastNote: "Back to live to change something."
	},
	facts: (fact) => {
		switch (fact.kind) {
			case "accepted": return `accept made a new socket, fd ${fact.fd}, for ${fact.raddr}. The listening socket, fd ${fact.listeningFd}, goes on listening.`;
			case "one_port": return `Port ${fact.port} is one number for ${some(fact.count, "client")}: accept made ${n$1(fact.count)} new sockets, and the listening socket goes on listening.`;
			case "same_port": return `${fact.hosts.join(" and ")} both use port ${fact.port}. The pair (laddr, raddr) tells them apart.`;
			case "same_host": return `${some(fact.count, "client")} on ${fact.host}: ${n$1(fact.count)} ports, such as ${fact.ports.join(" and ")}.`;
			case "same_fd": return `fd ${fact.fd} is open in ${some(fact.pids.length, "worker")}, pid ${fact.pids.join(" and ")}: fds are numbered for each process, so a record needs pid and fd.`;
			case "fd_again": return `fd ${fact.fd} of pid ${fact.pid} was freed by ${fact.before} and is used again, by ${fact.now}: a number, not a name for ever.`;
			case "half_closed": return `${fact.raddr} is half-closed: the client has sent FIN, and its bytes are still going back.`;
			case "reset": return `${fact.raddr} was reset (RST): that is no goodbye, and what was still under way is lost.`;
			case "udp": return `UDP has no accept: ${fact.count === 1 ? "this session has" : `these ${n$1(fact.count)} sessions share`} the one socket, fd ${fact.fd}. Only the addresses in each datagram tell who speaks.`;
			case "declared": return `The socket says ${fact.raddr}; the PROXY header says that the client is ${fact.declared}.`;
		}
	},
	connections: { title: "Connections" },
	listener: { title: (name) => `Listener ${name}` }
};
// src/console/words-japanese.ts
var count = new Intl.NumberFormat("ja");
var n = (value) => count.format(value);
var japanese = {
	language: "ja",
	count: n,
	pages: {
		live: "ライブ",
		connections: "接続",
		docs: "API"
	},
	header: {
		home: "kodama、ライブ",
		node: "ノード",
		store: {
			reachable: "ストア正常",
			away: "ストア不通"
		},
		connecting: "接続中",
		live: "ライブ",
		paused: "一時停止",
		past: "過去",
		waiting: "再接続中",
		seq: (seq) => `seq ${n(seq)}`,
		rate: (perSecond) => `${n(perSecond)} イベント/秒`,
		project: "プロジェクト",
		ownProject: "自分",
		signOut: "サインアウト",
		keys: "キー操作",
		outdated: "kodama が更新されました。",
		reload: "再読み込み",
		expired: (seq) => `seq ${n(seq)} より前のイベントは保存期間を過ぎました。`,
		skip: "本文へ"
	},
	signIn: {
		title: "サインイン",
		why: "この kodama にはキーが必要です。キーはこのタブだけに保存されます。",
		wrong: "このキーは登録されていません。",
		key: "キー",
		submit: "サインイン"
	},
	problem: {
		unreachable: "kodama に接続できません。つながり次第、自動で再開します。",
		lost: "このページはありません。",
		toLive: "ライブへ"
	},
	copy: {
		copy: "コピー",
		copied: "コピーしました",
		failed: "コピーできません"
	},
	timeBar: {
		place: "ログの位置",
		placeText: (seq, head) => `seq ${n(seq)} / ${n(head)}`,
		toStart: "ここにある最古のイベントへ",
		back: "1 イベント戻る",
		forward: "1 イベント進む",
		toLive: "ライブ",
		play: "再生",
		speeds: {
			1: "1×",
			10: "10×",
			all: "最速"
		},
		speedNames: {
			1: "実時間で",
			10: "10 倍速で",
			all: "描画できる限り速く"
		},
		stop: "停止",
		pause: "一時停止",
		empty: "ログは空です。起きたことがここに並びます。",
		open: "各イベント時点の接続数",
		counters: "バイト数は直前のイベント時点の値です。"
	},
	keys: {
		title: "キー操作",
		off: "1 文字のキー操作を使う",
		close: "閉じる",
		names: {
			"/": "絞り込み",
			"j k ↓ ↑": "行の移動",
			Enter: "詳細",
			Esc: "戻る",
			Space: "一時停止と再開",
			"[ ]": "1 イベント戻る、進む",
			l: "ライブ",
			n: "新しいリスナー",
			"1 2": "ページ",
			"?": "この一覧"
		}
	},
	activity: (opened, closed, reset, refused) => [
		opened > 0 && `接続 ${n(opened)}`,
		closed > 0 && `終了 ${n(closed)}`,
		reset > 0 && `リセット ${n(reset)}`,
		refused > 0 && `拒否 ${n(refused)}`
	].filter((part) => part !== false).join("、"),
	event: {
		listener_created: "リスナー作成",
		listener_listening: "待ち受け開始",
		listener_failed: "リスナー失敗",
		listener_updated: "リスナー変更",
		listener_closed: "リスナー終了",
		connection_opened: "受け入れ",
		connection_half_closed: "クライアントの FIN",
		connection_closed: "終了",
		connection_refused: "拒否"
	},
	live: {
		title: "ライブ",
		emptyTitle: "まだ何も待ち受けていません。",
		emptyText: "ここに見えるもの：プロセス、その待ち受けソケット、そしてクライアントごとに作られる新しいソケット。",
		open: "エコーリスナーを開く",
		openHint: "TCP、127.0.0.1、空いているポート",
		fromTerminal: "ターミナルからも開けます",
		listeners: "リスナー",
		connectTitle: "接続して、見る",
		connectText: "ターミナルでどれかを実行してください。送った文字がそのまま返ります。",
		connectBash: "bash",
		connectNc: "nc",
		connectPython: "python（送信元アドレスを選ぶ）",
		connectUdp: "bash（データグラム）",
		connectTls: "openssl",
		state: {
			pending: "開始中",
			listening: "待ち受け中",
			failed: "失敗",
			draining: "終了処理中",
			closed: "終了"
		},
		openCount: (open) => `接続中 ${n(open)}`,
		everCount: (ever) => `累計 ${n(ever)}`,
		perMinute: (rate) => `${n(rate)}/分`,
		close: "リスナーを閉じる",
		closeSure: "接続もすべて閉じます。よろしいですか？",
		closeYes: "閉じる",
		closeNo: "残す",
		faults: (amount) => amount === 0 ? "障害設定" : `障害 ${n(amount)} 件`,
		picture: "図",
		clients: "クライアント",
		clientsHint: "サーバーから見た raddr",
		server: "サーバー",
		host: "ホスト",
		controlPlane: "コントロールプレーン",
		controlPlaneHint: "エコーのバイトには触れません",
		worker: "ワーカー",
		fork: "fork",
		fd: "fd",
		laddr: "laddr",
		raddr: "raddr",
		stateTitle: "状態",
		listening: "待ち受けソケット",
		accepted: "受け入れたソケット",
		otherFds: "ほかの fd は記録にありません",
		open1: "接続中",
		halfClosed: "ハーフクローズ",
		gone: "解放済み",
		closedClient: "終了",
		ports: (amount) => `${n(amount)} ポート`,
		run: (from, to) => from === to ? `${from}` : `${from}–${to}`,
		acceptedCount: (amount) => `受け入れ ${n(amount)}`,
		sessions: (amount) => `${n(amount)} セッション`,
		moreHosts: (hosts, connections) => `ほか ${n(hosts)} ホスト・${n(connections)} 接続`,
		morePorts: (ports) => `ほか ${n(ports)} ポート`,
		unknownHost: "アドレス不明",
		notAll: (known, open) => `接続中 ${n(open)} のうち、このページが持つ新しい ${n(known)} から描いています。`,
		noClients: "接続中のクライアントはありません。",
		noWorker: "動いているワーカーがありません。",
		facts: "この図からわかること",
		noFacts: "クライアントを接続し、次に別のアドレスからもう 1 つ接続してみてください。",
		bothEnds: "この接続の両端",
		serverEnd: "サーバー側のソケット",
		clientEnd: "クライアント側のソケット",
		unknown: "ここではわかりません",
		mirror: "サーバーはクライアントの pid と fd を知ることができません。互いに見えるのはソケットアドレスだけです。",
		details: "詳細",
		unselect: "閉じる",
		pid: "pid",
		pastNote: "変更するにはライブに戻ってください。"
	},
	facts: (fact) => {
		switch (fact.kind) {
			case "accepted": return `accept は ${fact.raddr} のために新しいソケット fd ${fact.fd} を作りました。待ち受けソケット fd ${fact.listeningFd} は待ち受けを続けています。`;
			case "one_port": return `ポート ${fact.port} という 1 つの番号に ${n(fact.count)} クライアント。accept が新しいソケットを ${n(fact.count)} 個作り、待ち受けソケットは待ち受けを続けています。`;
			case "same_port": return `${fact.hosts.join(" と ")} は同じポート ${fact.port} を使っています。(laddr, raddr) の組で区別されます。`;
			case "same_host": return `${fact.host} に ${n(fact.count)} クライアント。ポートは ${fact.ports.join(" と ")} のように別々です。`;
			case "same_fd": return `fd ${fact.fd} は ${n(fact.pids.length)} つのワーカー（pid ${fact.pids.join(" と ")}）で開いています。fd はプロセスごとの番号なので、記録には pid と fd の両方が必要です。`;
			case "fd_again": return `pid ${fact.pid} の fd ${fact.fd} は ${fact.before} が解放し、いまは ${fact.now} が使っています。番号は使い回されます。`;
			case "half_closed": return `${fact.raddr} はハーフクローズです。クライアントは FIN を送り、まだ返すバイトが残っています。`;
			case "reset": return `${fact.raddr} はリセット（RST）されました。別れの合図ではなく、途中のデータは失われます。`;
			case "udp": return `UDP に accept はありません。${n(fact.count)} セッションはすべて 1 つのソケット fd ${fact.fd} を使い、相手はデータグラムのアドレスだけで区別されます。`;
			case "declared": return `ソケットの相手は ${fact.raddr}、PROXY ヘッダーが示すクライアントは ${fact.declared} です。`;
		}
	},
	connections: { title: "接続" },
	listener: { title: (name) => `リスナー ${name}` }
};
// src/console/words.ts
function wordsFor(languages) {
	return languages.map((language) => language.split("-")[0]?.toLowerCase()).find((language) => language === "en" || language === "ja") === "ja" ? japanese : english;
}
// src/console/main.tsx
function start(root) {
	const given = keyOfFragment(location.hash);
	if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
	const words = wordsFor(navigator.languages);
	document.documentElement.lang = words.language;
	const router = new Router(window);
	const project = O(() => router.query.value.get("project"));
	const api = new Api({
		storage: sessionStorage,
		project
	});
	if (given !== null) api.signIn(given);
	const log = new LiveLog(api, project);
	const playhead = new Playhead({
		track: () => log.timeline,
		onFrame: (callback) => {
			const id = requestAnimationFrame(callback);
			return () => cancelAnimationFrame(id);
		},
		start: momentOf(router.query.value.get("at"))
	});
	const state = O(() => {
		log.drawing.value;
		return log.timeline.stateAt(playhead.seq.value);
	});
	const all = {
		api,
		log,
		playhead,
		router,
		keyboard: new Keyboard(document, localStorage),
		words,
		state
	};
	Q(a(ConsoleContext.Provider, {
		value: all,
		children: a(App, {})
	}), root);
}
function momentOf(at) {
	if (at === null || !/^\d{1,15}$/.test(at)) return { kind: "live" };
	return {
		kind: "past",
		seq: Number(at)
	};
}
var root = document.getElementById("console");
if (root === null) throw new TypeError("the page has no place for the console");
start(root);
