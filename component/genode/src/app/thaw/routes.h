/*
 * \brief  Services of which the target may have sessions besides those that we know
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _ROUTES_H_
#define _ROUTES_H_

#include <base/log.h>
#include <base/node.h>
#include <base/service.h>

namespace Thaw { class Routes; }


/**
 * Node `route` of a target: they are asked of our own parent, whose configuration tells who serves them
 */
class Thaw::Routes
{
	public:

		struct Route
		{
			Genode::Service::Name service { };

			/* a new session is as good as the old one */
			bool reopen = false;
		};

	private:

		enum { MAX = 16 };

		Route    _routes[MAX] { };
		unsigned _count = 0;

		void _add(Genode::Node const &service)
		{
			if (_count == MAX) {
				Genode::error("thaw: more than ", (unsigned)MAX, " routed services");
				return;
			}
			_routes[_count++] = { .service = service.attribute_value("name", Genode::Service::Name()),
			                      .reopen  = service.attribute_value("reopen", false) };
		}

	public:

		Routes() { }

		Routes(Genode::Node const &target)
		{
			target.with_optional_sub_node("route", [&] (Genode::Node const &route) {
				route.for_each_sub_node("service", [&] (Genode::Node const &service) { _add(service); }); });
		}

		void for_each(auto const &fn) const { for (unsigned i = 0; i < _count; i++) fn(_routes[i]); }
};

#endif /* _ROUTES_H_ */
